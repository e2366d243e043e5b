import pytest
import streamlit as st

from app.components import active_seconds


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"active": 12}, 12.0),
        ({"active": 12.5}, 12.5),
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
