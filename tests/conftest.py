"""Settings of all tests."""

import os

import pytest
from hypothesis import settings
from joblib.externals.loky import get_reusable_executor

# A slow machine is no fault of the code; CI draws the same examples each time.
settings.register_profile("house", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("house")


@pytest.fixture
def typed_here(tmp_path, monkeypatch):
    """A folder to type commands in.

    Processes that an earlier test left waiting work in the folder where they began.
    """
    get_reusable_executor().shutdown(wait=True)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    get_reusable_executor().shutdown(wait=True)
