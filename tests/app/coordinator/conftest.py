from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import app
from app import accounts
from reader_study.running.access import COORDINATOR, add_coordinator, sign_in

ENTRY = Path(app.__file__).with_name("monitor.py")
NAME = "eve"


@pytest.fixture
def passphrase(room, clock):
    return add_coordinator(room.store, NAME, by="operator", clock=clock)


@pytest.fixture
def eve(room, passphrase, clock, cookies):
    """Eve has signed in; gives the secret of her browser."""
    secret = sign_in(room.store, NAME, passphrase, clock=clock, role=COORDINATOR).secret
    cookies[accounts.COORDINATOR.cookie] = secret
    return secret


@pytest.fixture
def monitor():
    """A new page of the browser, on a part of the monitor."""

    def load(part="Overview"):
        page = AppTest.from_file(str(ENTRY), default_timeout=20)
        page.session_state["page"] = part
        return page.run()

    return load
