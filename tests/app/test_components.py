import pytest
import streamlit as st

from app.components import active_seconds, picture_at_hand


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"active": 12}, 12.0),
        ({"active": 12.5}, 12.5),
        ({"active": {"seconds": 12.5, "ahead": "t2"}}, 12.5),
        ({"active": {"ahead": "t2"}}, None),
        ({"active": True}, None),
        ({"active": "12"}, None),
        ({"active": -1}, None),
        ({"active": float("nan")}, None),
        ({"active": 1e9}, None),
        ({}, None),
        (None, None),
    ],
)
def test_only_a_believable_time_is_taken(given, seconds, monkeypatch):
    monkeypatch.setattr(st, "session_state", {"desk-t1": given})
    assert active_seconds("desk-t1") == seconds


@pytest.mark.parametrize(
    ("state", "token"),
    [
        ({"active": {"seconds": 1, "ahead": "t2"}}, "t2"),
        ({"active": {"seconds": 1, "ahead": 7}}, ""),
        ({"active": 1.5}, ""),
        ({}, ""),
    ],
)
def test_what_the_page_has_fetched_ahead(monkeypatch, state, token):
    monkeypatch.setattr("streamlit.session_state", {"desk-t1": state})
    assert picture_at_hand("desk-t1") == token
