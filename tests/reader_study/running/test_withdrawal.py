"""Cases that are withdrawn, and amendments that have no place to go."""

import csv
import io

import pytest

from reader_study.building.sealing import seal
from reader_study.errors import StaleReadingError, StudyError
from reader_study.reading.reading_session import ReadingSession
from reader_study.running import unblinding
from reader_study.running.lifecycle import Amendment, amend, lock, readiness
from reader_study.running.status import read_status
from reader_study.running.withdrawal import names_of_case, withdraw_case
from reader_study.store.milestones import find_deviations
from tests.reader_study.conftest import GOOD, N_CASES

PASSPHRASE = "a long passphrase"  # noqa: S105


@pytest.fixture
def withdraw(study, store, clock):
    def withdraw(*names, reason="another patient"):
        return withdraw_case(study, store, names, reason=reason, by="Eve", clock=clock)

    return withdraw


def session(study, store, clock, reader):
    return ReadingSession(study, store, reader, clock=clock)


def read_all(session, clock):
    """Answer and sign both trials; give the tokens that were shown."""
    shown = []
    for trial in (1, 2):
        while (reading := session.next_reading()) is not None:
            shown.append(reading.token)
            clock.advance(seconds=20)
            session.submit(reading.token, GOOD, {})
        session.sign(trial)
        clock.advance(days=30)
    return shown


def files(study, store, truth, clock, folder):
    seal(truth, folder / "KEY", [PASSPHRASE], work_factor=2)
    lock(study, store, by="Eve", clock=clock)
    request = unblinding.UnblindRequest(
        folder / "KEY", [PASSPHRASE], "Eve", "Max", "all signed"
    )
    return unblinding.unblind(study, store, request, clock=clock).files


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_a_withdrawn_case_is_shown_no_more_and_missing_for_all(
    open_study_now, store, truth, clock, withdraw, tmp_path
):
    """By one pseudo-ID, of a picture that anna has answered and ben has not."""
    study = open_study_now
    anna = session(study, store, clock, "anna")
    first = anna.next_reading()
    anna.submit(first.token, GOOD, {})
    withdraw(first.pseudo_id)
    shown = [first.token, *read_all(anna, clock)]
    shown += read_all(session(study, store, clock, "ben"), clock)
    assert len(shown) == 4 * N_CASES

    with store.reading() as connection:
        status = read_status(study, connection)
        (deviation,) = find_deviations(connection)
    assert status.withdrawn == (first.pseudo_id,)
    assert f"Withdrawn: {first.pseudo_id}" in status.to_text()
    assert deviation.kind == "case_withdrawn"
    assert deviation.reason == f"{first.pseudo_id}: another patient"
    made = files(study, store, truth, clock, tmp_path)
    case = truth.cells[first.token].case
    theirs = [r for r in rows(made["responses.csv"]) if r["case"] == case]
    assert [(r["Q1"], r["note"]) for r in theirs] == [
        ("", "the case was withdrawn")
    ] * 4
    kept = rows(made["responses_not_analysed.csv"])
    assert [(r["case"], r["Q1"]) for r in kept] == [(case, "1")] * 4
    assert '"analysed": 3' in made["flow.json"]


def test_what_was_not_read_yet_is_left_out(
    open_study_now, study, store, clock, withdraw, truth
):
    names = names_of_case(study, truth, "patient-1")
    assert len(names) == 4
    assert list(names) == sorted(names)
    assert names_of_case(study, truth, names[2]) == names
    withdraw(*names)

    shown = read_all(session(study, store, clock, "anna"), clock)
    assert len(shown) == 2 * (N_CASES - 1)
    assert "patient-1" not in {truth.cells[token].case for token in shown}


def test_the_reading_at_hand_is_told_so(open_study_now, study, store, clock, withdraw):
    anna = session(study, store, clock, "anna")
    reading = anna.next_reading()
    withdraw(reading.token)

    with pytest.raises(StaleReadingError, match="is of a case that was withdrawn"):
        anna.submit(reading.token, GOOD, {})
    with pytest.raises(StaleReadingError, match="was withdrawn; please go on"):
        anna.image(reading.token)
    assert anna.next_reading().token != reading.token


def test_what_cannot_be_withdrawn(open_study_now, study, store, clock, withdraw, truth):
    name = study.manifest.presentations[0].pseudo_id
    for names, message in (
        (["XYZ-999"], "must have the pseudo-ID 'XYZ-999'"),
        ([], "A pseudo-ID must be given"),
    ):
        with pytest.raises(StudyError, match=message):
            withdraw(*names)
    with pytest.raises(StudyError, match="A reason must be given"):
        withdraw(name, reason=" ")
    with pytest.raises(StudyError, match="must have the pseudo-ID 'patient-9'"):
        names_of_case(study, truth, "patient-9")
    withdraw(name)
    with pytest.raises(StudyError, match="is already"):
        withdraw(name)
    lock(study, store, by="Eve", clock=clock, incomplete="r")
    with pytest.raises(StudyError, match="The data are locked"):
        withdraw(study.manifest.presentations[1].pseudo_id)


def test_a_damaged_picture_of_a_withdrawn_case_lets_a_study_be_opened(
    study, store, withdraw
):
    gone = study.manifest.presentations[0]
    (study.folder / "images" / gone.image).unlink()
    _, why = readiness(study, store)
    assert "magic-study case withdraw takes it out" in why
    withdraw(gone.pseudo_id)
    assert readiness(study, store) == ["2 readers must be there, got 0"]


def test_a_damaged_picture_is_declined_and_a_deviation_says_so(
    open_study_now, study, store, clock
):
    anna = session(study, store, clock, "anna")
    whole = anna.next_reading()
    anna.decline(whole.token, "not a brain")
    torn = anna.next_reading()
    (study.folder / "images" / f"{torn.token}.png").write_bytes(b"torn")
    anna.decline(torn.token, "cannot be shown")
    anna.decline(torn.token, "cannot be shown")

    with store.reading() as connection:
        (deviation,) = find_deviations(connection)
    assert (deviation.kind, deviation.trial) == ("picture_not_shown", 1)
    assert deviation.reason == f"the picture of {torn.pseudo_id} is damaged"


def test_more_readers_than_places_are_no_amendment(study, store, clock):
    amendment = Amendment("one more", "asked for", "Eve", {"n_readers": 3})
    with pytest.raises(StudyError, match="must be at most 2, the places that the stu"):
        amend(study, store, amendment, clock=clock)
    fewer = Amendment("one fewer", "ill", "Eve", {"n_readers": 1})
    assert amend(study, store, fewer, clock=clock).n == 2


def test_the_seconds_are_those_of_the_reading_not_of_a_correction(
    open_study_now, study, store, truth, clock, tmp_path
):
    anna = session(study, store, clock, "anna")
    reading = anna.next_reading()
    clock.advance(seconds=7)
    anna.submit(reading.token, GOOD, {}, active_seconds=6.0)
    clock.advance(seconds=700)
    anna.correct(reading.token, GOOD | {"Q3": 1}, {}, why="a slip")
    read_all(anna, clock)
    read_all(session(study, store, clock, "ben"), clock)

    made = files(study, store, truth, clock, tmp_path)
    counted = rows(made["responses.csv"])[0]
    assert (counted["revision"], counted["Q3"]) == ("2", "1")
    assert (counted["seconds"], counted["active_seconds"]) == ("7.0", "6.0")
    both = [
        r
        for r in rows(made["responses_all_revisions.csv"])
        if r["pseudo_id"] == reading.pseudo_id and r["reader"] == "anna"
    ]
    assert [(r["revision"], r["seconds"]) for r in both] == [
        ("1", "7.0"),
        ("2", "707.0"),
    ]
    assert both[0]["case"] == truth.cells[reading.token].case
