import json
import re

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

from app import accounts
from app.coordinator import page as pages
from app.coordinator import readers
from app.coordinator.readers import FreshCodes
from app.coordinator.view import find_coordinator_view, site_rows
from reader_study.errors import StudyError
from reader_study.running.access import (
    COORDINATOR,
    IDLE_MINUTES,
    resume,
    revoke_coordinator,
    revoke_reader_codes,
    sign_in,
)
from reader_study.running.lifecycle import lock
from reader_study.running.registry import (
    Profile,
    add_reader,
    exclude_reader,
    set_site,
)
from reader_study.running.slips import Slip
from reader_study.running.withdrawal import withdraw_case
from reader_study.store.access import usable_codes
from reader_study.store.readers import all_readers
from tests.app.answers import handed_over, read_trial, words
from tests.app.coordinator.serving import PARTS, read_and_sign
from tests.app.material import open_study_of

SIGN_IN = ["Name", "Passphrase"]


def table(page, number=0):
    return page.dataframe[number].value.to_dict("records")


def fields(page):
    return [field.label for field in page.text_input]


def log(room):
    with room.store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT entry FROM audit_log ORDER BY n")
        return [json.loads(entry) for entry in rows.scalars()]


@pytest.fixture
def later(room, passphrase, clock, cookies):
    """What the monitor knows some days later, of a coordinator who signs in anew."""

    def later(days):
        clock.advance(days=days)
        secret = sign_in(room.store, "eve", passphrase, clock=clock, role=COORDINATOR)
        cookies[accounts.COORDINATOR.cookie] = secret.secret
        return find_coordinator_view(room)

    return later


def codes_of(room, name):
    with room.store.reading() as connection:
        return usable_codes(connection, name, "2000")


def test_sites_are_counted_apart_where_readers_have_them(
    open_room, eve, monitor, later
):
    assert len(monitor("Progress").dataframe) == 1
    set_site(open_room.store, "anna", "North", by="cora", clock=open_room.clock)
    read_and_sign(open_room, "anna")
    rows = table(monitor("Progress"))
    assert [row["Site"] for row in rows] == ["North", "not given"]
    assert [row["Trial 1"] for row in rows] == ["3 of 3", "0 of 3"]
    assert [row["Trial 2"] for row in rows] == ["0 of 3", "0 of 3"]
    assert [row["Readers"] for row in rows] == [1, 1]
    assert [row["Late readers"] for row in site_rows(later(8), None)] == ["", "ben"]


@pytest.mark.slow
def test_a_stranger_sees_the_sign_in_only(open_room, cookies, monitor):
    for part in PARTS:
        page = monitor(part)
        assert fields(page) == SIGN_IN
        assert "Research use only" in words(page)
        assert not page.dataframe


def test_name_and_passphrase_open_a_session(room, passphrase, cookies, clock, monitor):
    page = monitor()
    page.text_input(key="sign-in-name").set_value(" eve ")
    page.text_input(key="sign-in-passphrase").set_value(passphrase.lower())
    again = page.button[0].click()
    (order,) = handed_over(again.run())

    assert order["act"] == "begin"
    assert resume(room.store, order["secret"], clock=clock, role=COORDINATOR) == "eve"
    assert handed_over(again.run()) == [order]


@pytest.mark.slow
def test_a_readers_code_and_cookie_open_nothing(
    open_room, codes, passphrase, cookies, clock, monitor
):
    page = monitor()
    page.text_input(key="sign-in-name").set_value("anna")
    page.text_input(key="sign-in-passphrase").set_value(codes["anna"])
    page.button[0].click().run()
    assert "Name and passphrase do not fit" in words(page)

    secret = sign_in(open_room.store, "anna", codes["anna"], clock=clock).secret
    for cookie in (accounts.READER.cookie, accounts.COORDINATOR.cookie):
        cookies.clear()
        cookies[cookie] = secret
        assert fields(monitor()) == SIGN_IN


@pytest.mark.slow
def test_a_coordinators_cookie_opens_no_reading(open_room, eve, cookies, page):
    for cookie in (accounts.COORDINATOR.cookie, accounts.READER.cookie):
        cookies.clear()
        cookies[cookie] = eve
        assert [field.label for field in page().text_input][:2] == ["Name", "Code"]


def test_each_page_asks_who_is_there(open_room, eve, cookies):
    cookies.clear()
    for show in pages.PAGES.values():
        with pytest.raises(StudyError, match="A coordinator must be signed in"):
            show()


@pytest.mark.parametrize("button", ["issue", "revoke"])
def test_each_click_asks_who_is_there(open_room, eve, cookies, monitor, button):
    page = monitor(PARTS[2])
    before = log(open_room)
    cookies.clear()
    page.button(key=button).click().run()

    assert log(open_room) == before
    assert fields(page) == SIGN_IN
    assert "Your session has ended; nothing was changed" in words(page)


@pytest.mark.slow
def test_a_form_and_a_check_ask_who_is_there(room, eve, clock, monitor):
    overview, readers = monitor(), monitor(PARTS[2])
    fill(readers)
    revoke_coordinator(room.store, "eve", by="operator", clock=clock)
    before = log(room)
    overview.button(key="check-now").click().run()
    readers.button[-1].click().run()

    assert log(room) == before
    for page in (overview, readers):
        assert fields(page) == SIGN_IN


def test_overview_of_a_study_that_is_not_open(room, eve, monitor):
    shown = words(monitor())

    assert "Perfusion maps of &lt;b&gt;two&lt;/b&gt; methods" in shown
    assert "built, not open yet" in shown
    assert "<li>2 readers must be there, got 0</li>" in shown
    assert "None so far." in shown
    (entry,) = [e for e in log(room) if e["n"] == 3]
    assert entry["event"] == "coordinator.session_started"
    assert "entry 3, 1 March 2026, 09:00" in shown
    assert "Research use only" in shown


@pytest.mark.slow
def test_overview_of_an_open_study_and_of_a_locked_one(open_room, eve, clock, monitor):
    read_and_sign(open_room, "anna")
    shown = words(monitor())
    assert "open, readers read" in shown
    assert "3 of 12 submitted, 0 declined" in shown
    assert "1 of 4 signed" in shown
    assert "anna has not signed trial 1" not in shown
    assert "ben has not signed trial 1 (0 of 3 answered)" in shown

    lock(open_room.study, open_room.store, by="eve", clock=clock, incomplete="test")
    page = monitor()
    assert "locked, no answer is taken" in words(page)
    assert "Before it can be" not in words(page)
    (row,) = table(page)
    assert row["Deviation"] == "Incomplete lock"
    assert row["Recorded by"] == "eve"


@pytest.mark.slow
def test_bots_and_missing_closing_questions_are_told(
    room, passphrase, clock, cookies, monitor
):
    for name in ("anna", "ben"):
        profile = Profile(name, "neuroradiologist", 1, simulated=name == "ben")
        add_reader(room.study, room.store, profile, by="eve", clock=clock)
    open_study_of(room)
    session = room.session_of("anna")
    read_and_sign(room, "anna")
    clock.advance(days=29)
    read_and_sign(room, "anna")
    assert session.progress().finished
    cookies[accounts.COORDINATOR.cookie] = sign_in(
        room.store, "eve", passphrase, clock=clock, role=COORDINATOR
    ).secret

    shown = words(monitor())
    assert "simulated: bots have read" in shown
    assert "Closing questions</dt><dd>missing from anna" in shown
    assert table(monitor(PARTS[2]))[1]["Status"] == "active, bot"


def test_the_check_reads_log_and_pictures(open_room, eve, monitor):
    page = monitor()
    page.button(key="check-now").click().run()
    assert "09:00:00 UTC: The log is whole" in words(page)

    picture = next((open_room.study.folder / "images").iterdir())
    picture.write_bytes(b"other")
    with open_room.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE readers SET years = 40")
    page.button(key="check-now").click().run()
    assert "covers has 2 faults. A picture is missing" in words(page)
    assert str(open_room.study.folder) not in words(page)


@pytest.mark.slow
def test_progress_by_reader_and_trial(open_room, eve, clock, monitor):
    anna, ben = open_room.session_of("anna"), open_room.session_of("ben")
    reading = anna.next_reading()
    clock.advance(seconds=42.4)
    anna.decline(reading.token, "too dark")
    read_trial(ben)
    rows = table(monitor("Progress"))

    assert [(row["Reader"], row["Trial"]) for row in rows] == [
        ("anna", 1), ("anna", 2), ("ben", 1), ("ben", 2),
    ]  # fmt: skip
    first, second, bens, _ = rows
    assert first["Stands"] == "at 2 of 3"
    assert (first["Assigned"], first["Opened"], first["Submitted"]) == (3, 1, 0)
    assert (first["Declined"], first["Missing"]) == (1, 3)
    assert second["Stands"] == "later"
    assert bens["Stands"] == "to be signed"
    assert bens["Seconds"] == 0
    ben.sign(1)
    rows = table(monitor("Progress"))
    assert rows[2]["Stands"] == "signed"
    assert rows[2]["Signed"] == "2026-03-01 09:00"
    assert rows[3]["Stands"] == "washout until 2026-03-29 09:00"


def test_codes_are_issued_once_shown_and_revoked(open_room, eve, monitor):
    page = monitor(PARTS[2])
    page.selectbox(key="code-for").set_value("ben").run()
    page.button(key="issue").click().run()
    shown = words(page)
    code = shown.split("class='code'>")[1].split("<")[0]

    assert "Code for <strong>ben<" in shown
    entry = log(open_room)[-1]
    assert (entry["event"], entry["actor"]) == ("code.issued", "eve")
    assert code not in json.dumps(log(open_room))
    assert len(codes_of(open_room, "ben")) == 2
    page.button(key="fresh-code-done").click().run()
    assert code not in words(page)
    page.button(key="revoke").click().run()
    assert "codes of " in words(page)
    assert (log(open_room)[-1]["event"], log(open_room)[-1]["actor"]) == (
        "code.revoked",
        "eve",
    )


def test_slips_are_made_once_for_all_who_have_no_code(open_room, eve, monitor):
    for name in ("anna", "ben"):
        revoke_reader_codes(open_room.store, name, by="eve", clock=open_room.clock)
    page = monitor(PARTS[2])
    page.button(key="issue-all").click().run()
    shown = words(page)
    codes = re.findall("class='code'>([^<]+)<", shown)
    assert len(set(codes)) == 2
    assert shown.count("Address: ____") == 2
    for name, code in zip(("anna", "ben"), codes, strict=True):
        signed = sign_in(open_room.store, name, code, clock=open_room.clock)
        assert signed.name == name
    page.button(key="fresh-code-done").click().run()
    assert not any(code in words(page) for code in codes)
    for name in ("anna", "ben"):
        assert codes_of(open_room, name) == ()  # used


def test_who_is_late_and_what_is_withdrawn_is_told(
    open_room, eve, clock, monitor, later
):
    """Anna began and stopped; ben waits for his washout, and nobody else is late."""
    anna = open_room.session_of("anna")
    anna.decline(anna.next_reading().token, "too dark")
    gone = open_room.study.manifest.presentations[0].pseudo_id
    withdraw_case(
        open_room.study, open_room.store, [gone], reason="secret", by="eve", clock=clock
    )
    read_and_sign(open_room, "ben")
    assert "Late: nothing for 7 days" not in words(monitor())
    view = later(days=7.5)
    late = [(t.reader, t.trial, since[:10]) for t, since in view.late]
    assert late == [("anna", 1, "2026-03-01")]
    assert view.status.withdrawn == (gone,)
    view = later(days=28)
    assert [(t.reader, t.trial, since[:10]) for t, since in view.late] == [
        ("anna", 1, "2026-03-01"),
        ("ben", 2, "2026-03-29"),
    ]
    shown = words(monitor())
    assert "ben: trial 2, 0 of 3 answered, nothing since 29 March 2026" in shown
    assert f"Withdrawn</dt><dd>{gone}" in shown
    assert "secret" not in shown
    lock(open_room.study, open_room.store, by="eve", clock=clock, incomplete="test")
    assert later(days=0).late == []


@pytest.mark.slow
def test_a_code_is_forgotten_with_the_page_and_the_session(
    open_room, eve, clock, monitor
):
    for leave in ("page", "idle"):
        page = monitor(PARTS[2])
        page.button(key="issue").click().run()
        assert "class='code'" in words(page)
        if leave == "page":
            page.segmented_control(key="page").set_value("Progress").run()
        else:
            clock.advance(seconds=IDLE_MINUTES * 60)
            page.run()
            assert fields(page) == SIGN_IN
        assert "fresh-code" not in page.session_state
        assert "class='code'" not in words(page)


def test_the_second_of_two_clicks_issues_no_code(open_room, eve, monitor):
    page = monitor(PARTS[2])
    page.session_state["fresh-code"] = FreshCodes("eve", (Slip("anna", "ABCD", 14),))
    page.button(key="issue").click().run()

    assert "ABCD" in words(page)
    assert len(codes_of(open_room, "anna")) == 1


@pytest.fixture
def second_click(monkeypatch):
    """A second click on the same button that arrives while codes are made."""

    def issue_slips(*given, **named):
        slips = actual(*given, **named)
        run = get_script_run_ctx()
        if not came:
            widgets = WidgetStates(widgets=run.session_state.get_widget_states())
            run.script_requests.request_rerun(RerunData(widget_states=widgets))
        came.append(slips)
        return slips

    actual, came = readers.issue_slips, []
    monkeypatch.setattr(readers, "issue_slips", issue_slips)
    return came


@pytest.mark.parametrize("button", ["issue", "issue-all"])
def test_a_click_while_a_code_is_made_issues_no_second(
    open_room, eve, monitor, second_click, button
):
    revoke_reader_codes(open_room.store, "anna", by="eve", clock=open_room.clock)
    page = monitor(PARTS[2])
    page.button(key=button).click().run()

    ((slip,),) = second_click
    assert slip.code in words(page)
    assert len(codes_of(open_room, "anna")) == 1


def test_a_click_while_a_reader_is_added_adds_no_second_and_shows_the_code(
    room, eve, monitor, second_click
):
    page = monitor(PARTS[2])
    fill(page).click().run()

    ((slip,),) = second_click
    assert slip.code in words(page)
    assert "carla has reader-1." in words(page)
    assert page.text_input(key="new-name").value in {None, ""}


def test_a_code_is_not_shown_to_somebody_else(open_room, eve, monitor):
    page = monitor(PARTS[2])
    page.session_state["fresh-code"] = FreshCodes("max", (Slip("anna", "ABCD", 14),))
    page.run()
    assert "ABCD" not in words(page)


def test_a_code_for_who_reads_no_more_is_refused_in_words(
    open_room, eve, clock, monitor
):
    page = monitor(PARTS[2])
    page.selectbox(key="code-for").set_value("ben").run()
    exclude_reader(open_room.store, "ben", reason="ill", by="max", clock=clock)
    page.button(key="issue").click().run()

    assert "A code must be for an active reader, got 'ben'." in words(page)
    assert page.selectbox(key="code-for").options == ["anna"]


def fill(page, name="carla", specialty="neuroradiologist", years=7.0):
    page.text_input(key="new-name").set_value(name)
    page.selectbox(key="new-specialty").set_value(specialty)
    page.number_input(key="new-years").set_value(years)
    return page.button[-1]


def test_a_reader_is_added_with_a_code(room, eve, monitor):
    page = monitor(PARTS[2])
    assert "A code is for a reader; add one first." in words(page)
    fill(page).click().run()

    assert "carla has reader-1." in words(page)
    assert "Code for <strong>carla<" in words(page)
    with room.store.reading() as connection:
        (reader,) = all_readers(connection)
    assert (reader.name, reader.years) == ("carla", 7)
    assert [e["actor"] for e in log(room)[-2:]] == ["eve", "eve"]
    assert page.text_input(key="new-name").value in {None, ""}
    fill(page, "dora").click().run()
    assert "Code for <strong>dora<" in words(page)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": ""}, "Name, specialty and years must all be given."),
        ({"years": None}, "Name, specialty and years must all be given."),
        ({"name": "<script>"}, "must be letters, digits, _ . -, got '<script>'."),
    ],
)
def test_what_the_coordinator_can_mend_is_told(room, eve, monitor, given, message):
    page = monitor(PARTS[2])
    fill(page, **given).click().run()

    assert message in "\n".join(text.value for text in page.text)
    assert codes_of(room, "carla") == ()


def test_without_roles_the_specialty_is_written(room, eve, monitor):
    object.__setattr__(room.study.protocol, "roles", ())
    page = monitor(PARTS[2])
    assert fields(page)[-2:] == ["Specialty", "Site, if there are several"]


def test_signing_out_ends_the_session(room, eve, monitor):
    page = monitor()
    page.button(key="sign-out").click().run()

    assert handed_over(page) == [{"act": "end"}]
    assert fields(monitor()) == SIGN_IN
