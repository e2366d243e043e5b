"""No violation that axe-core finds on any page, whichever colours are preferred."""

import json
from contextlib import contextmanager
from io import BytesIO

import pytest
from PIL import Image

from reader_study.running.lifecycle import Amendment, amend
from tests.app.browser.conftest import let_in, serving
from tests.app.browser.driving import open_reading, press, see, settle
from tests.app.browser.hands import READING, Mouse
from tests.app.browser.test_stack_room import STACK, write_volume
from tests.app.coordinator import serving as monitors
from tests.app.material import GOOD, PROTOCOL, admit, build, open_study_of
from tests.app.npm_packages import installed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

OPTIONS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
PIN = "407193"


@pytest.fixture(scope="module")
def axe():
    """Source of the library; its rules are those of WCAG 2.2 A and AA, and more."""
    return (installed() / "axe-core" / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def built_with_all(tmp_path_factory):
    """A study with training, closing questions and a washout."""
    folder = tmp_path_factory.mktemp("axe")
    Image.new("RGB", (900, 700), (40, 60, 80)).save(folder / "one.png")
    (folder / "training.csv").write_text(
        "case,image,Q1,Q1_feedback\none,one.png,0,Even on both sides.\n"
    )
    return build(folder, PROTOCOL.replace('cases = "" ', 'cases = "training.csv" '))


class Inspector:
    """Runs axe-core on a page and remembers what it finds."""

    def __init__(self, page, axe):
        self.page, self.axe, self.found = page, axe, {}

    def look(self, name):
        settle(self.page)
        for scheme in ("dark", "light"):
            self.page.emulate_media(color_scheme=scheme)
            self.page.wait_for_timeout(300)
            if not self.page.evaluate("Boolean(window.axe)"):
                self.page.evaluate(self.axe)
            told = self.page.evaluate(f"axe.run(document, {json.dumps(OPTIONS)})")
            assert told["testEngine"]["version"] == "4.14.1"
            for violation in told["violations"]:
                nodes = [str(node["target"]) for node in violation["nodes"]]
                key = f"{name} ({scheme}): {violation['id']}"
                self.found[key] = (
                    violation["help"],
                    nodes[:4],
                    violation["nodes"][0]["failureSummary"],
                )


@pytest.fixture
def inspector(context, axe):
    return Inspector(context.new_page(), axe)


@pytest.fixture
def reading_room(built_with_all, tmp_path):
    yield from serving(built_with_all, tmp_path / "STUDY")


def test_the_reading_room(reading_room, inspector):
    walk(inspector, reading_room)
    assert inspector.found == {}


def walk(inspector, server):
    page, look, mouse = inspector.page, inspector.look, Mouse()
    way_in(inspector, server)
    see(page, "A case to practise on")
    look("training")
    press(page, READING)
    press(page, ["Control+Enter"])
    see(page, "Compare your answers")
    look("feedback")
    page.get_by_role("button", name="Begin trial 1").click()
    readings(inspector)
    finish(server)
    page.reload()
    see(page, "Trial 1: your answers")
    look("review")
    page.get_by_role("button", name="Look at it again").first.click()
    see(page, "Why is it corrected?")
    look("correction")
    page.get_by_role("button", name="Back").click()
    mouse.sign(page, 1)
    see(page, "Trial 2 opens on")
    look("washout")
    the_end(inspector, server)


def way_in(inspector, server):
    page, look, mouse = inspector.page, inspector.look, Mouse()
    page.goto(server.url)
    see(page, "Sign in")
    look("sign-in")
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Code").fill(server.codes["anna"])
    page.get_by_label("PIN").fill("12")
    page.get_by_role("button", name="Sign in").click()
    see(page, "A PIN must be 6 to 12 digits")
    look("sign-in refused")
    page.get_by_label("PIN").fill(PIN)
    page.get_by_role("button", name="Sign in").click()
    see(page, "Instructions")
    expire(server)
    page.reload()
    see(page, "Welcome back, anna")
    look("PIN")
    page.get_by_label("Your PIN").fill(PIN)
    page.get_by_role("button", name="Go on").click()
    see(page, "Instructions")
    look("instructions")
    mouse.agree(page)
    see(page, "Your display")
    look("display")
    assert_all_steps_are_seen(page)
    mouse.check_display(page)


def assert_all_steps_are_seen(page):
    """Also where the system's own colours are forced on everything else."""
    page.emulate_media(forced_colors="active")
    for part, levels in ((".ramp", 18), (".corners", 4)):
        seen = Image.open(BytesIO(page.locator(part).screenshot())).convert("L")
        common = [count for count, _ in seen.getcolors() if count > 1000]
        assert len(common) >= levels, part
    page.emulate_media(forced_colors="none")


def expire(server):
    """Let the session be as old as if its reader had been away for two days."""
    with server.room.store.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE sessions SET seen_at = '2020' || substr(seen_at, 5)"
        )


def readings(inspector):
    page, look = inspector.page, inspector.look
    see(page, "1 of 3")
    page.locator(".viewer[data-scale]").wait_for()
    look("reading")
    press(page, ["1", "2", "Control+Enter"])
    see(page, "Please complete Q2A")
    look("incomplete")
    page.get_by_role("button", name="I cannot answer").click()
    look("declining")
    press(page, ["Escape"])
    page.route("**/_stcore/health", lambda route: route.abort())
    page.locator("dialog#connection").wait_for()
    look("no connection")
    page.unroute("**/_stcore/health")
    page.locator("dialog#connection").wait_for(state="detached")


def finish(server):
    session = server.room.session_of("anna")
    while (reading := session.next_reading()) is not None:
        session.submit(reading.token, GOOD, {})


def the_end(inspector, server):
    page, room = inspector.page, server.room
    change = Amendment("no pause", "pictures", "coordinator", {"washout_days": 0.0})
    amend(room.study, room.store, change, clock=room.clock)
    finish(server)
    room.session_of("anna").sign(2)
    page.reload()
    see(page, "Before you go")
    inspector.look("closing")
    page.get_by_role("button", name="Send").click()
    see(page, "Please answer all questions")
    inspector.look("closing incomplete")
    for number in (0, 1):
        page.get_by_test_id("stNumberInput").nth(number).locator("input").fill("1")
    for question in (0, 1):
        page.get_by_role("radiogroup").nth(question).get_by_test_id(
            "stRadioOption"
        ).first.click()
    page.get_by_role("button", name="Send").click()
    see(page, "your part in this study is done")
    inspector.look("done")


def test_a_stack_of_slices(tmp_path, context, axe):
    (tmp_path / "made").mkdir()
    study = build(tmp_path / "made", STACK, size=(600, 400), write_volume=write_volume)
    with contextmanager(serving)(study, tmp_path / "STUDY") as server:
        let_in(server, context, server.codes["anna"])
        inspector = Inspector(open_reading(context, server), axe)
        page, look = inspector.page, inspector.look
        page.locator(".stack[data-views]").wait_for()
        look("stack")
        press(page, ["h"])
        look("stack: keys")
        press(page, ["h", *READING, "Control+Enter"])
        see(page, "slices must have been on screen")
        look("stack: not all seen")
    assert inspector.found == {}


def test_the_monitor(built_with_all, tmp_path, inspector):
    def prepare(room):
        admit(room)
        open_study_of(room)
        gone = room.session_of("ben")
        gone.training.submit(room.study.training.cases[0].token, GOOD, {})
        gone.training.go_on(room.study.training.cases[0].token)
        gone.decline(gone.next_reading().token, "too dark")

    with monitors.serving(built_with_all, tmp_path / "STUDY", prepare) as (_, monitor):
        page, look = inspector.page, inspector.look
        page.goto(monitor.url)
        see(page, "Coordinator: sign in")
        look("monitor: sign-in")
        monitors.enter(page, monitor)
        page.get_by_role("button", name="Check log and pictures").click()
        see(page, "The log is whole")
        look("monitor: overview")
        monitors.choose(page, monitors.PARTS[1])
        look("monitor: progress")
        monitors.choose(page, monitors.PARTS[2])
        look("monitor: readers")
        page.get_by_role("button", name="Issue a code", exact=True).click()
        see(page, "Code for")
        look("monitor: slips")
    assert inspector.found == {}
