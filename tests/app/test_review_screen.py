import json

import pytest

from app.accounts import READER
from reader_study.reading.closing import ClosingAnswers, answer_closing
from reader_study.running.access import issue_code, sign_in
from reader_study.running.lifecycle import Amendment, amend
from tests.app.answers import read_trial, words
from tests.app.material import GOOD


@pytest.mark.slow
def test_title_and_explanations_stay_text(anna, open_room, page):
    shown = page()
    assert "Perfusion maps of &lt;b&gt;two&lt;/b&gt; methods" in words(shown)

    script = "<script>alert(1)</script>"
    while (reading := anna.next_reading()) is not None:
        anna.submit(reading.token, GOOD | {"Q2A": 0}, {"Q2A": script})
    review = words(page())
    assert script not in review
    assert "&lt;script&gt;" in review


def test_answers_are_reviewed_corrected_and_signed(anna, open_room, page):
    read_trial(anna)
    shown = page()
    assert shown.button(key="sign-1").disabled
    shown.button(key="review-open").click().run()
    token = anna.answered()[0].token
    key = f"correction1-answer-Q3-{token}"
    assert shown.radio(key=key).value == GOOD["Q3"]
    shown.radio(key=key).set_value(4).run()
    shown.button(key=f"save-correction-{token}").click().run()
    assert "A reason must be given" in words(shown)
    shown.text_input[0].set_value("looked again").run()
    assert "A reason must be given" in words(shown)  # it moves nothing by going
    shown.button(key=f"save-correction-{token}").click().run()

    assert "Correction saved, receipt " in words(shown)
    assert "Core infarct is approximately equal to tissue at risk" in words(shown)
    assert "looked again" in words(shown)
    shown.checkbox[0].check().run()
    assert "Correction saved, receipt " in words(shown)
    shown.button(key="review-open").click().run()
    assert "Correction saved" not in words(shown)
    shown.button(key="review-back").click().run()
    assert "Correction saved" not in words(shown)
    shown.checkbox[0].check().run()
    shown.button(key="sign-1").click().run()
    assert "Trial 2 opens on 29 March 2026, 09:00 UTC" in words(shown)
    assert anna.sign(1).code in words(shown)


def test_going_back_from_a_correction_changes_nothing(anna, page):
    read_trial(anna)
    shown = page()
    shown.button(key="review-open").click().run()
    shown.button(key="review-back").click().run()
    assert not shown.radio
    assert {response.revision for response in anna.answered()} == {1}


def test_where_the_protocol_allows_no_corrections_none_is_offered(
    anna, open_room, clock, page
):
    change = Amendment("no corrections", "test", "coordinator", {"corrections": False})
    amend(open_room.study, open_room.store, change, clock=clock)
    read_trial(anna)
    shown = page()

    assert [button.key for button in shown.button] == ["sign-out", "sign-1"]


@pytest.mark.slow
def test_trial_2_opens_after_the_washout_and_all_ends_with_receipts(
    anna, open_room, codes, clock, cookies, page
):
    read_trial(anna)
    anna.sign(1)
    clock.advance(days=28)
    code = issue_code(open_room.store, "anna", by="coordinator", clock=clock)
    cookies[READER.cookie] = sign_in(open_room.store, "anna", code, clock=clock).secret
    assert "Your display" in words(page())
    read_trial(anna)
    anna.sign(2)
    said = ClosingAnswers(recognised="none", synthetic={1: 1, 2: 2}, confidence=1)
    answer_closing(anna.study, anna.store, "anna", said, clock=clock)
    shown = page()

    assert "your part in this study is done" in words(shown)
    for trial in (1, 2):
        assert anna.sign(trial).head.sha256 in words(shown)
    saved = [json.loads(e.proto.json) for e in shown.get("bidi_component")]
    (receipts,) = (s["content"]["receipts"] for s in saved if "content" in s)
    assert receipts == [anna.sign(trial).to_dict() for trial in (1, 2)]
