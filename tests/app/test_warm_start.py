import asyncio
import gc
import sys

import pytest

from app import server
from app.coordinator import server as monitor
from app.pilo import serving as pilo


@pytest.fixture(autouse=True)
def _as_before():
    yield
    gc.unfreeze()


@pytest.mark.parametrize(
    ("application", "pages"),
    [
        (server.application, "app.screens.page"),
        (monitor.application, "app.coordinator.page"),
        (pilo.application, "app.pilo.page"),
    ],
)
def test_what_pages_need_is_loaded_and_left_out_of_collections(application, pages):
    """Without this, collecting after each run takes over half of a server's time."""

    async def started():
        async with application._user_lifespan(application):
            return gc.get_freeze_count(), len(gc.get_objects())

    gc.unfreeze()
    frozen, looked_at = asyncio.run(started())

    assert pages in sys.modules
    assert frozen > 20 * looked_at
