"""The viewer of montages: a canvas that leaves pixels as they are."""

from importlib.resources import files

import streamlit as st


def _asset(name: str) -> str:
    return files("app.viewer").joinpath(name).read_text("utf-8")


_viewer = st.components.v2.component(
    "viewer",
    html=_asset("viewer.html"),
    css=_asset("viewer.css"),
    js=_asset("montage.js") + _asset("viewer.js"),
)


def show_picture(png: bytes, key: str) -> None:
    """Show a picture, large and without loss.

    The bytes go to the page over the connection of a reader who is signed in; Streamlit
    would serve `st.image` to anybody who asks for its address.

    Args:
        png: The file as the study has it.
        key: Of this picture only, so that none is shown beside questions on another.
    """
    _viewer(key=key, data=png)
