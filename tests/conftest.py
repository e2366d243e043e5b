"""Settings of all tests."""

import gc
import os

# Each core has a worker of its own: threads of several that wait for one another on the
# same cores cost many times what they save. To be set before torch is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings
from joblib.externals.loky import get_reusable_executor

# A slow machine is no fault of the code. The same examples each time: a failure is then
# the last change's fault; `make test-explore` draws fresh ones.
# Sixty of them, so that the quick run stays quick; exploring takes Hypothesis' hundred.
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=60)
settings.register_profile("explore", deadline=None, derandomize=False, print_blob=True)
settings.load_profile("quick")


def pytest_collection_finish():
    """Leave what all tests share out of every later search for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)


@pytest.fixture(autouse=True)
def cheap_codes(request, monkeypatch):
    """Hash codes of readers at little cost.

    Not in slow tests, where another process may check them.
    """
    if not request.node.get_closest_marker("slow"):
        monkeypatch.setattr("reader_study.running.access._SCRYPT_COST", 2**4)


@pytest.fixture(scope="session", autouse=True)
def cheap_keys(request):
    """Seal keys at little cost, which their files state; yield what it is otherwise.

    Not where slow tests run, which take a study as its users have it.
    """
    from reader_study.building.sealing import seal

    usual = seal.__kwdefaults__["work_factor"]
    slow = any(item.get_closest_marker("slow") for item in request.session.items)
    with pytest.MonkeyPatch.context() as patch:
        if not slow:
            patch.setitem(seal.__kwdefaults__, "work_factor", 2**8)
        yield usual


@pytest.fixture
def typed_here(tmp_path, monkeypatch):
    """A folder to type commands in.

    Processes that an earlier test left waiting work in the folder where they began.
    """
    get_reusable_executor().shutdown(wait=True)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    get_reusable_executor().shutdown(wait=True)
