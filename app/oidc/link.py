"""The hospital's sign-in on our own sign-in page, and why it let nobody in."""

import streamlit as st

from app.oidc.accounts import LOGIN, NOTICE, SENTENCES, served_accounts


def show_link() -> None:
    """Offer the hospital account and say why it let nobody in, if there are any."""
    if served_accounts() is None:
        return
    # Anything may stand in an address; what is not a refusal says nothing.
    given = st.query_params.get(NOTICE, "")
    for refusal, sentence in SENTENCES.items():
        if refusal.value == given:
            with st.container(key="notice-bad-account"):
                st.text(sentence)
    st.html(f"<p><a href='{LOGIN}'>Sign in with your hospital account</a></p>")
