import dataclasses
import re

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

from app import accounts
from app.accounts import READER
from app.screens import display_check
from reader_study.reading.acknowledgements import Confirmation, acknowledged_versions
from reader_study.running.access import (
    IDLE_HOURS,
    AccessError,
    issue_code,
    resume,
    sign_in,
)
from reader_study.running.lifecycle import lock
from reader_study.running.registry import exclude_reader
from tests.app.answers import handed_over, words
from tests.app.material import open_study_of


@pytest.mark.slow
def test_a_stranger_sees_the_sign_in_only(open_room, cookies, page):
    shown = page()

    labels = [field.label for field in shown.text_input]
    assert labels == ["Name", "Code", "PIN of your own (optional)"]
    assert "Sign in" in words(shown)
    assert "Research use only" in words(shown)
    assert not shown.radio


def test_name_and_code_open_a_session(open_room, codes, cookies, clock, page):
    shown = page()
    shown.text_input(key="sign-in-name").set_value(" anna ")
    shown.text_input(key="sign-in-code").set_value(codes["anna"].lower())
    shown.button[0].click().run()

    (order,) = handed_over(shown)
    assert order["act"] == "begin"
    assert resume(open_room.store, order["secret"], clock=clock) == "anna"


def test_a_second_click_on_sign_in_changes_nothing(open_room, codes, cookies, page):
    shown = page()
    shown.text_input(key="sign-in-name").set_value("anna")
    shown.text_input(key="sign-in-code").set_value(codes["anna"])
    shown.text_input(key="sign-in-pin").set_value("")
    again = shown.button[0].click()
    (first,) = handed_over(again.run())
    assert handed_over(again.run()) == [first]


@pytest.mark.parametrize("pin", ["", "407193"])
def test_a_click_while_a_code_is_used_up_does_not_waste_it(
    open_room, codes, cookies, page, monkeypatch, pin
):
    """The run that used it up is given up at the next look at the session's state."""

    def sign_in(*given, **named):
        signed_in = actual(*given, **named)
        run = get_script_run_ctx()
        widgets = WidgetStates(widgets=run.session_state.get_widget_states())
        run.script_requests.request_rerun(RerunData(widget_states=widgets))
        return signed_in

    actual = accounts.access.sign_in
    monkeypatch.setattr(accounts.access, "sign_in", sign_in)
    shown = page()
    shown.text_input(key="sign-in-name").set_value("anna")
    shown.text_input(key="sign-in-code").set_value(codes["anna"])
    shown.text_input(key="sign-in-pin").set_value(pin)
    (order,) = handed_over(shown.button[0].click().run())
    assert resume(open_room.store, order["secret"], clock=open_room.clock) == "anna"


def test_a_pin_lets_back_in_at_the_same_browser(open_room, codes, cookies, clock, page):
    shown = page()
    shown.text_input(key="sign-in-name").set_value("anna")
    shown.text_input(key="sign-in-code").set_value(codes["anna"])
    shown.text_input(key="sign-in-pin").set_value("123")
    shown.button[0].click().run()
    assert "A PIN must be 6 to 12 digits." in words(shown)  # and the code is unused
    shown.text_input(key="sign-in-pin").set_value("407193")
    shown.button[0].click().run()
    (order,) = handed_over(shown)
    cookies[READER.cookie] = order["secret"]
    clock.advance(days=1)
    shown = page()
    assert "Welcome back, anna." in words(shown)
    shown.text_input(key="wake-pin").set_value("407194")
    shown.button[0].click().run()
    assert "The PIN is wrong; 4 tries left." in words(shown)
    shown.text_input(key="wake-pin").set_value("407193")
    shown.button[0].click().run()
    (woken,) = handed_over(shown)
    assert resume(open_room.store, woken["secret"], clock=clock) == "anna"


def test_a_protocol_may_do_without_pins(open_room, cookies, page):
    object.__setattr__(open_room.study.protocol, "pin", False)
    assert [field.label for field in page().text_input] == ["Name", "Code"]


@pytest.mark.slow
def test_a_wrong_code_is_told_without_saying_what_was_wrong(open_room, cookies, page):
    for name in ("anna", "nobody"):
        shown = page()
        shown.text_input(key="sign-in-name").set_value(name)
        shown.text_input(key="sign-in-code").set_value("ABCD")
        shown.button[0].click().run()
        assert "Name and code do not fit" in words(shown)


def test_instructions_need_consent_and_their_version_is_kept(
    open_room, codes, cookies, clock, page
):
    signed_in = sign_in(open_room.store, "anna", codes["anna"], clock=clock)
    cookies[READER.cookie] = signed_in.secret
    shown = page()
    version = open_room.study.manifest.protocol_sha256

    assert "You will see pictures of patients" in words(shown)
    assert version[:12] in words(shown)
    assert shown.button(key="instructions-continue").disabled
    shown.checkbox[0].check().run()
    shown.button(key="instructions-continue").click().run()
    assert "Your display" in words(shown)
    kept = acknowledged_versions(open_room.store, "anna", Confirmation.INSTRUCTIONS)
    assert kept == {version}
    assert (
        acknowledged_versions(open_room.store, "ben", Confirmation.INSTRUCTIONS)
        == set()
    )


def test_the_display_is_checked_after_each_sign_in(
    anna, open_room, cookies, clock, page, monkeypatch
):
    code = issue_code(open_room.store, "anna", by="coordinator", clock=clock)
    cookies[READER.cookie] = sign_in(open_room.store, "anna", code, clock=clock).secret
    size = {"width": 900, "height": 700, "ratio": 1}
    monkeypatch.setattr(display_check, "display_size", lambda: size)
    shown = page()
    assert "at least 1000 x 560 pixels of the screen, got 900 x 700" in words(shown)
    assert shown.button(key="display-continue").disabled

    size["width"] = 1366
    shown.run()
    shown.button(key="display-continue").click().run()
    assert "1 of 3" in words(shown)


def test_a_display_that_was_not_measured_is_not_confirmed(
    open_room, anna, cookies, clock, page
):
    code = issue_code(open_room.store, "anna", by="coordinator", clock=clock)
    cookies[READER.cookie] = sign_in(open_room.store, "anna", code, clock=clock).secret
    assert page().button(key="display-continue").disabled


@pytest.mark.slow
def test_before_opening_and_after_the_lock_nothing_is_read(
    room, codes, cookies, clock, page
):
    cookies[READER.cookie] = sign_in(
        room.store, "anna", codes["anna"], clock=clock
    ).secret
    assert "not open yet" in words(page())
    open_study_of(room)
    lock(room.study, room.store, by="coordinator", clock=clock, incomplete="test")
    assert "no further answers are taken" in words(page())


@pytest.mark.slow
def test_signing_out_ends_the_session_at_once(anna, open_room, cookies, page):
    shown = page()
    shown.button(key="sign-out").click().run()

    assert handed_over(shown) == [{"act": "end"}]
    assert "Sign in" in words(page())


def test_after_the_idle_hours_the_sign_in_is_shown(anna, clock, page):
    shown = page()
    clock.advance(seconds=IDLE_HOURS * 3600 + 1)
    shown.run()
    labels = [field.label for field in shown.text_input]
    assert labels == ["Name", "Code", "PIN of your own (optional)"]


def test_the_protocol_says_how_long_a_session_lasts(anna, open_room, clock):
    protocol = dataclasses.replace(open_room.study.protocol, idle_hours=0.5)
    study = dataclasses.replace(open_room.study, protocol=protocol)
    room = dataclasses.replace(open_room, study=study)
    secret = issue(open_room, clock)
    clock.advance(seconds=1799)
    assert READER.resume(room, secret) == "anna"
    clock.advance(seconds=1801)
    with pytest.raises(AccessError, match="has ended"):
        READER.resume(room, secret)


def issue(room, clock):
    code = issue_code(room.store, "anna", by="coordinator", clock=clock)
    return sign_in(room.store, "anna", code, clock=clock).secret


def test_an_excluded_reader_is_out(anna, open_room, clock, page):
    exclude_reader(open_room.store, "anna", reason="ill", by="coordinator", clock=clock)
    assert [field.label for field in page().text_input][:2] == ["Name", "Code"]


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        ((1280, 585, 1.5), ""),
        ((1180, 820, 2), ""),
        ((1366, 650, 1), ""),
        ((911, 425, 1.5), ""),  # 1366 x 768 enlarged to 150 %
        ((781, 364, 1.75), "900 x 420 points, got 781 x 364.* zoom of the browser"),
        ((950, 600, 1), "1000 x 560 pixels of the screen, got 950 x 600"),
    ],
)
def test_the_window_has_the_pixels_and_the_points(window, problem):
    size = dict(zip(("width", "height", "ratio"), window, strict=True))
    found = display_check.size_problem(size)
    assert re.search(problem, found) if problem else found == ""
