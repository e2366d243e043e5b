from streamlit.testing.v1 import AppTest


def sheet():
    import streamlit as st

    from app import state

    if st.session_state.get("news"):
        state.notify(st.session_state.pop("news"))
    state.show_notice(st.session_state.get("place", "one"))


def texts(page):
    return [text.value for text in page.run().text]


def test_a_message_stays_at_its_place_and_does_not_come_back():
    page = AppTest.from_function(sheet)
    assert texts(page) == []
    page.session_state["news"] = "Please complete Q1."
    assert texts(page) == texts(page) == ["Please complete Q1."]
    page.session_state["place"] = "two"
    assert texts(page) == []
    page.session_state["place"] = "one"
    assert texts(page) == []


def test_the_next_message_takes_its_place():
    page = AppTest.from_function(sheet)
    page.session_state["news"] = "First."
    assert texts(page) == ["First."]
    page.session_state["news"] = "Second."
    page.session_state["place"] = "two"
    assert texts(page) == texts(page) == ["Second."]
