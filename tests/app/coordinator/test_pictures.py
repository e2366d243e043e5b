"""Pictures of every page at five sizes; MAGIC_SHOTS names a folder that keeps them."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reader_study.formats.protocol import template
from reader_study.rehearsal.simulation import SimulatedClock
from reader_study.running.lifecycle import EarlyStart, permit_early_start
from reader_study.running.registry import Profile, add_reader
from tests.app.browser.driving import see
from tests.app.coordinator.serving import PARTS, choose, enter, serving
from tests.app.material import GOOD, build, open_study_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SIZES = ((1024, 768), (1180, 820), (1366, 768), (1920, 1080), (2560, 1440))
READERS = ("anna", "ben", "carla", "dora", "emil", "fritz", "gina")
PROTOCOL = (
    template()
    .replace("none = 7", "none = 1")
    .replace("mild_moderate = 6", "mild_moderate = 1")
    .replace("severe = 7", "severe = 1")
    .replace("min_distance = 3", "min_distance = 0")
)


def read_slowly(room, name):
    """Answer and sign the trial at hand at a reader's pace."""
    session = room.session_of(name)
    while (reading := session.next_reading()) is not None:
        room.clock.advance(seconds=31 + len(name))
        session.submit(reading.token, GOOD, {}, active_seconds=27.0)
    session.sign(session.progress().trial)


def seven_readers(room):
    """A study in full swing."""
    room = replace(room, clock=SimulatedClock(datetime.now(UTC)))
    roles = room.study.protocol.roles
    for n, name in enumerate(READERS):
        site = ("North", "South")[n % 2]
        profile = Profile(name, roles[n % len(roles)], 3 + 4 * n, site=site)
        add_reader(room.study, room.store, profile, by="eve", clock=room.clock)
    open_study_of(room)
    for name in READERS[:4]:
        read_slowly(room, name)
    start = EarlyStart("dora", 2, "leaves the hospital", "eve", "max")
    permit_early_start(room.study, room.store, start, clock=room.clock)
    dora, emil = room.session_of("dora"), room.session_of("emil")
    dora.submit(dora.next_reading().token, GOOD, {})
    emil.decline(emil.next_reading().token, "too dark")


@pytest.fixture
def monitor(tmp_path):
    study = build(tmp_path, PROTOCOL, size=(60, 50))
    with serving(study, tmp_path / "COPY", seven_readers) as (_, monitor):
        yield monitor


def visit(page, monitor, shoot):
    page.goto(monitor.url)
    see(page, "Coordinator: sign in")
    shoot("1-sign-in")
    enter(page, monitor)
    page.get_by_role("button", name="Check log and pictures").click()
    see(page, "The log is whole")
    shoot("2-overview")
    choose(page, PARTS[1])
    shoot("3-progress")
    choose(page, PARTS[2])
    page.get_by_role("button", name="Issue codes for all who have none").click()
    see(page, "Code for")
    shoot("4-readers-and-codes")
    page.emulate_media(media="print")
    shoot("5-slips")
    page.emulate_media(media="screen")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_page_fits_the_window(monitor, browser, tmp_path, size):
    folder = Path(os.environ.get("MAGIC_SHOTS") or tmp_path)
    viewport = dict(zip(("width", "height"), size, strict=True))
    context = browser.new_context(viewport=viewport, timezone_id="Europe/Berlin")
    page, beyond = context.new_page(), {}

    def shoot(name):
        page.mouse.move(0, 0)
        page.wait_for_timeout(700)
        page.screenshot(path=folder / f"{size[0]}x{size[1]}-{name}.png")
        beyond[name] = page.evaluate(
            "() => document.querySelector('[data-testid=stMain]').scrollWidth"
            " - window.innerWidth"
        )
        tables = page.locator(".dvn-scroller").evaluate_all(
            "(all) => all.map((table) => table.scrollWidth - table.clientWidth)"
        )
        beyond[f"{name}: tables"] = max(tables, default=0)

    visit(page, monitor, shoot)
    context.close()
    assert max(beyond.values()) <= 0, beyond
