import pytest

from app import accounts
from reader_study.errors import StudyError
from reader_study.reading.reading_session import ReadingSession
from reader_study.running.access import IDLE_HOURS
from reader_study.store.milestones import find_deviations
from reader_study.store.readings import find_responses
from tests.app.answers import answer, form_of, save, words
from tests.app.material import GOOD


def test_a_reading_shows_the_questions_in_their_words(anna, page):
    shown = page()
    questions = anna.study.questionnaire.questions

    assert "Trial 1: 1 of 3" in words(shown)
    assert "Research use only" in words(shown)
    assert [radio.value for radio in shown.radio] == [None] * 7
    for radio, question in zip(shown.radio, questions, strict=True):
        assert question.text in radio.label.replace("\\", "")
        plain = [option.replace("\\", "") for option in radio.options]
        assert plain == [choice.label for choice in question.scale]


def test_the_picture_goes_over_the_connection_and_not_to_the_media_store(anna, page):
    token = anna.next_reading().token
    shown = page()
    sent = [e.proto.bytes for e in shown.get("bidi_component") if e.proto.bytes]

    assert sent == [anna.image(token)]
    assert not shown.get("imgs")


def test_an_explanation_appears_and_is_required(anna, open_room, page):
    shown = page()
    form = form_of(anna)
    # The field is there always; the page's style shows it with the answer that asks.
    styles = "".join(html.proto.body for html in shown.html)
    indeterminate = "input[value='1']:checked"
    assert f".st-key-question-Q2B:not(:has({indeterminate}))" in styles
    answer(shown, form, GOOD | {"Q2B": 0})
    save(shown, form)
    assert "Please complete Q2B." in words(shown)
    assert anna.progress().n_answered == 0

    shown.text_area(key=form.reason_key("Q2B")).set_value("motion").run()
    save(shown, form)
    with open_room.store.reading() as connection:
        (stored,) = find_responses(connection)
    assert dict(stored.reasons) == {"Q2B": "motion"}
    assert stored.answers == GOOD | {"Q2B": 0}


@pytest.mark.slow
def test_no_picture_is_shown_in_the_place_of_another(anna, page):
    """Each has a viewer of its own, which is not there before its picture is."""
    seen = set()
    shown = page()
    for _ in range(2):
        form = form_of(anna)
        (viewer,) = (e.proto.id for e in shown.get("bidi_component") if e.proto.bytes)
        assert form.token in viewer
        seen.add(viewer)
        save(answer(shown, form), form)
    assert len(seen) == 2


def test_missing_answers_are_named_and_nothing_is_stored(anna, page):
    shown = page()
    form = form_of(anna)
    answer(shown, form, {"Q1": 1})
    save(shown, form)

    assert "Please complete Q2A, Q2B, Q2C, Q2D, Q3 and Q4." in words(shown)
    assert anna.progress().token == form.token


def test_saving_gives_a_receipt_and_the_next_reading(anna, page):
    shown = page()
    form = form_of(anna)
    save(answer(shown, form), form)

    assert "Reading 1 saved 09:00:00 UTC, receipt " in words(shown)
    assert "2 of 3" in words(shown)


def test_a_reading_may_be_left_unanswered_with_a_reason(anna, open_room, page):
    shown = page()
    token = anna.progress().token
    assert shown.button(key=f"decline-{token}").disabled
    shown.text_area(key=f"why-{token}").set_value("picture is torn").run()
    shown.button(key=f"decline-{token}").click().run()

    assert "2 of 3" in words(shown)
    with open_room.store.reading() as connection:
        (stored,) = find_responses(connection)
    assert (dict(stored.answers), stored.note) == ({}, "picture is torn")


@pytest.mark.slow
def test_a_click_after_the_session_has_ended_stores_nothing(anna, clock, page):
    shown = page()
    form = form_of(anna)
    answer(shown, form)
    clock.advance(seconds=IDLE_HOURS * 3600 + 1)
    save(shown, form)

    assert accounts.READER.ended in words(shown)
    assert anna.progress().n_answered == 0
    assert anna.next_reading().draft.answers == GOOD


def test_a_swapped_picture_is_not_shown_nor_its_path(anna, open_room, page, capsys):
    shown = page()
    images = open_room.study.folder / "images"
    (images / f"{anna.progress().token}.png").write_bytes(b"another picture")
    shown.run()

    assert "This picture cannot be shown" in words(shown)
    assert str(images) not in words(shown)
    assert str(images) in capsys.readouterr().err


def test_a_damaged_picture_is_left_and_a_deviation_says_so(anna, open_room, page):
    token = anna.progress().token
    (open_room.study.folder / "images" / f"{token}.png").unlink()
    shown = page()
    shown.button(key=f"go-on-{token}").click().run()

    with open_room.store.reading() as connection:
        (stored,) = find_responses(connection)
        (deviation,) = find_deviations(connection)
    assert (dict(stored.answers), stored.note) == (
        {},
        "The picture could not be shown.",
    )
    assert (deviation.kind, deviation.reader) == ("picture_not_shown", "anna")
    assert anna.progress().token != token
    assert [b.key for b in shown.button if b.key.startswith("save-")]


def test_a_database_that_cannot_be_written_is_told_without_its_path(
    anna, page, capsys, monkeypatch
):
    shown = page()
    form = form_of(anna)
    answer(shown, form)

    def full(*_, **__):
        msg = "The database cannot be used: disk full at /srv/secret"
        raise StudyError(msg)

    monkeypatch.setattr(ReadingSession, "submit", full)
    save(shown, form)
    assert accounts.READER.failed in words(shown)
    assert "/srv/secret" not in words(shown)
    assert "/srv/secret" in capsys.readouterr().err
    assert [radio.value for radio in shown.radio] == list(GOOD.values())
