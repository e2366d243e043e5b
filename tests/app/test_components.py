import json

import pytest
import streamlit as st

from app import components
from app.components import (
    active_seconds,
    picture_at_hand,
    show_stack,
    slices_seen,
)


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


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        (
            {"slices": {"1": 2.5, "3": 1, "4": 1, "x": 1, "2": True}},
            {"slices": {"1": 2.5, "3": 1.0}, "window_changes": 0},
        ),
        (
            {"slices": {"2": -1, "3": float("inf")}, "window_changes": 2},
            {"slices": {}, "window_changes": 2},
        ),
        ({"slices": [1]}, None),
        (None, None),
    ],
)
def test_only_believable_slices_are_taken(monkeypatch, told, seen):
    monkeypatch.setattr(
        "streamlit.session_state", {"desk-t1": {"active": {"seen": told}}}
    )
    assert slices_seen("desk-t1", 3) == seen


def test_a_stack_is_sent_with_its_layout_unless_the_page_holds_it(monkeypatch):
    sent = []
    monkeypatch.setattr(
        components, "_stack", lambda **given: sent.append(given["data"])
    )
    monkeypatch.setattr("streamlit.session_state", {})
    show_stack(b"container", {"slices": 2}, "k")
    size = int.from_bytes(sent[0][:4], "little")
    assert json.loads(sent[0][4 : 4 + size]) == {"slices": 2, "token": "k"}
    assert sent[0][4 + size :] == b"container"
    show_stack(b"container", {"slices": 2}, "k", ahead="t2")
    assert sent[1] == {"slices": 2, "token": "k", "ahead": "t2"}
    monkeypatch.setattr("streamlit.session_state", {"k": {"missing": "t2"}})
    show_stack(b"container", {"slices": 2}, "k", ahead="t2")
    assert sent[2] == sent[0]
