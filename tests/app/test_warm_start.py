import asyncio
import gc
import os
import subprocess
import sys

import pytest

from app import server
from app.configuration import ACCOUNTS, CHECKPOINT, STUDY


@pytest.fixture(autouse=True)
def _as_before():
    yield
    gc.unfreeze()


@pytest.mark.parametrize(
    ("parts", "given", "pages"),
    [
        (server.reading_room, STUDY, "app.screens.page"),
        (server.monitor, STUDY, "app.coordinator.page"),
        (server.explorer, CHECKPOINT, "app.pilo.page"),
    ],
)
def test_what_pages_need_is_loaded_and_left_out_of_collections(
    parts, given, pages, monkeypatch
):
    """Without this, collecting after each run takes over half of a server's time."""

    async def started():
        async with parts()["lifespan"](None):
            return gc.get_freeze_count(), len(gc.get_objects())

    monkeypatch.setenv(given, "of this test")
    gc.unfreeze()
    frozen, looked_at = asyncio.run(started())

    assert pages in sys.modules
    assert frozen > 20 * looked_at


def test_without_anything_to_show_no_page_is_loaded_for_it():
    code = (
        "import asyncio, sys; from app import server\n"
        "async def started():\n"
        "    async with server.reading_room()['lifespan'](None): pass\n"
        "asyncio.run(started())\n"
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('reader_study', 'sqlalchemy', 'magic_model', 'torch')])"
    )
    given = (STUDY, ACCOUNTS)
    environment = {k: v for k, v in os.environ.items() if k not in given}
    found = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert found.stdout.strip() == "[]"
