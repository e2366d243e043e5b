import csv
import io
import json
from dataclasses import replace

import pytest

from reader_study.building.sealing import seal
from reader_study.design.truth import Truth
from reader_study.errors import StudyError
from reader_study.reading.reading_session import ReadingSession
from reader_study.running.lifecycle import (
    Amendment,
    amend,
    lock,
    open_for_reading,
    readiness,
)
from reader_study.running.registry import (
    Profile,
    add_reader,
    exclude_reader,
    replace_reader,
)
from reader_study.running.status import read_status
from reader_study.running.unblinding import UnblindRequest, unblind
from reader_study.store.milestones import (
    MilestoneKind,
    Phase,
    find_deviations,
    find_milestones,
)
from reader_study.store.readers import all_readers
from reader_study.store.transaction import Head
from reader_study.store.verifying import verify

GOOD = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}
PASSPHRASE = "correct horse battery"  # noqa: S105


def read_trial(study, store, reader, clock):
    session = ReadingSession(study, store, reader, clock=clock)
    while (reading := session.next_reading()) is not None:
        clock.advance(seconds=30)
        session.submit(reading.token, GOOD, {}, active_seconds=25)
    return session.sign(session.progress().trial)


def read_everything(study, store, clock, readers=("anna", "ben")):
    for trial in (1, 2):
        clock.advance(days=30 * (trial - 1))
        for reader in readers:
            read_trial(study, store, reader, clock)


@pytest.fixture
def key(truth, tmp_path):
    path = tmp_path / "KEY"
    seal(truth, path, [PASSPHRASE], work_factor=2)
    return path


def status_of(study, store):
    with store.reading() as connection:
        return read_status(study, connection)


def request(key, **changes):
    given = {
        "key": key,
        "passphrases": [PASSPHRASE],
        "first": "Eve",
        "second": "Max",
        "reason": "all trials are signed",
    }
    return UnblindRequest(**given | changes)


def test_a_study_without_readers_cannot_be_opened(study, store, clock):
    assert readiness(study, store) == ["2 readers must be there, got 0"]
    (study.folder / "images" / "ta10.png").write_bytes(b"swapped")
    with pytest.raises(StudyError, match=r"2 readers must be there.*must be the pic"):
        open_for_reading(study, store, by="Eve", clock=clock)


def test_a_study_is_opened_once(open_study_now, store, clock):
    with pytest.raises(StudyError, match="it is open already"):
        open_for_reading(open_study_now, store, by="Eve", clock=clock)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (("anna", "x", 1), "There is a reader anna already"),
        (("Anna", "x", 1), "There is a reader Anna already"),
        (("eve", "x", 1), "free slot"),
    ],
)
def test_readers_that_cannot_be_added(open_study_now, store, clock, profile, message):
    with pytest.raises(StudyError, match=message):
        add_reader(open_study_now, store, Profile(*profile), by="Eve", clock=clock)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (("a b", "x", 1), "must be letters"),
        (("", "x", 1), "must be letters"),
        (("a", "x", -1), "years must be from 0"),
        (("a", "x", float("nan")), "years must be from 0"),
        (("a", "x\0", 1), "NUL"),
    ],
)
def test_profiles_that_cannot_be(profile, message):
    with pytest.raises(StudyError, match=message):
        Profile(*profile)


def test_a_slot_may_be_chosen(study, store, clock):
    chosen = Profile("zoe", "x", 1, slot="reader-2")
    assert add_reader(study, store, chosen, by="Eve", clock=clock).slot == "reader-2"
    again = Profile("yan", "x", 1, slot="reader-2")
    with pytest.raises(StudyError, match=r"free slot \(reader-1\), got 'reader-2'"):
        add_reader(study, store, again, by="Eve", clock=clock)


def test_status_counts_but_shows_no_answers(open_study_now, store, clock):
    read_trial(open_study_now, store, "anna", clock)
    status = status_of(open_study_now, store)
    first = status.of("anna")[0]

    assert status.phase is Phase.OPEN
    assert (first.n_assigned, first.n_submitted, first.n_missing) == (4, 4, 0)
    assert (first.seconds, first.active_seconds) == (30, 25)
    assert status.of("ben")[0].n_missing == 4
    assert "answers" not in repr(status)


def test_lock_waits_for_all_signatures(open_study_now, store, clock):
    study = open_study_now
    read_trial(study, store, "anna", clock)

    with pytest.raises(StudyError, match=r"anna has not signed trial 2 \(0 of 4"):
        lock(study, store, by="Eve", clock=clock)
    record = lock(study, store, by="Eve", clock=clock, incomplete="ben left")
    assert record["n_responses"] == 4
    with store.reading() as connection:
        (deviation,) = find_deviations(connection)
    assert (deviation.kind, deviation.reason) == ("incomplete_lock", "ben left")
    with pytest.raises(StudyError, match="must be open to be locked, this one is lock"):
        lock(study, store, by="Eve", clock=clock)


def test_after_the_lock_nothing_is_added(open_study_now, store, clock):
    study = open_study_now
    lock(study, store, by="Eve", clock=clock, incomplete="rehearsal")

    with pytest.raises(StudyError, match="data are locked; readers stay"):
        exclude_reader(store, "anna", reason="r", by="Eve", clock=clock)
    with pytest.raises(StudyError, match="data are locked; the protocol stays"):
        amend(study, store, Amendment("c", "r", "Eve"), clock=clock)


def test_unblinding_gives_the_answers_with_their_methods(
    open_study_now, store, truth, key, clock
):
    study = open_study_now
    read_everything(study, store, clock)
    record = lock(study, store, by="Eve", clock=clock)
    anchor = Head(record["head"]["n"], record["head"]["sha256"])
    done = unblind(study, store, request(key, anchors=[anchor]), clock=clock)

    rows = list(csv.DictReader(io.StringIO(done.files["responses.csv"])))
    assert len(rows) == 16
    for row in rows:
        order = study.manifest.orders(
            {"anna": "reader-1", "ben": "reader-2"}[row["reader"]], int(row["trial"])
        )
        cell = truth.cells[order[int(row["position"]) - 1]]
        assert (row["case"], row["method"]) == (cell.case, cell.method)
    assert rows[0]["simulated"] == "false"
    assert json.loads(done.files["flow.json"])["readings"][0]["analysed"] == 4
    assert set(done.files) == {
        "responses.csv", "questionnaire.json", "plan.json", "flow.json",
        "unblinding.json",
    }  # fmt: skip
    assert status_of(study, store).phase is Phase.UNBLINDED


def test_a_second_unblinding_is_recorded_as_second(open_study_now, store, key, clock):
    lock(open_study_now, store, by="Eve", clock=clock, incomplete="rehearsal")
    unblind(open_study_now, store, request(key), clock=clock)
    done = unblind(open_study_now, store, request(key, reason="lost"), clock=clock)

    assert done.record["time_of_unblinding"] == 2
    with store.reading() as connection:
        kinds = [m.kind for m in find_milestones(connection)]
        assert verify(connection).faults == ()
    assert kinds[-2:] == [MilestoneKind.UNBLINDED, MilestoneKind.UNBLINDED]


def test_unblinding_needs_the_lock_and_refusals_are_logged(
    open_study_now, store, key, clock
):
    with pytest.raises(StudyError, match="must be locked before unblinding"):
        unblind(open_study_now, store, request(key), clock=clock)
    with pytest.raises(StudyError, match="passphrase does not open"):
        unblind(open_study_now, store, request(key, passphrases=["guess"]), clock=clock)
    with store.reading() as connection:
        entries = connection.exec_driver_sql("SELECT entry FROM audit_log").scalars()
        assert sum("unblinding.refused" in entry for entry in entries) == 2


@pytest.mark.parametrize("names", [("Eve", "EVE"), ("", "Max"), ("Eve", " ")])
def test_unblinding_needs_two_people(key, names):
    with pytest.raises(StudyError, match="Two different names"):
        request(key, first=names[0], second=names[1])


def test_another_key_is_refused(open_study_now, store, truth, tmp_path, clock):
    lock(open_study_now, store, by="Eve", clock=clock, incomplete="rehearsal")
    swapped = Truth(truth.study_id, "cd" * 32, truth.cells)
    seal(swapped, tmp_path / "OTHER", [PASSPHRASE], work_factor=2)

    with pytest.raises(StudyError, match="must be the key this study is committed to"):
        unblind(open_study_now, store, request(tmp_path / "OTHER"), clock=clock)


def test_data_changed_after_the_lock_are_found(open_study_now, store, key, clock):
    lock(open_study_now, store, by="Eve", clock=clock, incomplete="rehearsal")
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE readers SET years = 99")

    with pytest.raises(StudyError, match=r"must be as they were locked: readers"):
        unblind(open_study_now, store, request(key), clock=clock)


def test_excluded_and_replaced_readers_keep_their_data(
    open_study_now, store, key, clock
):
    study = open_study_now
    read_trial(study, store, "anna", clock)
    exclude_reader(store, "anna", reason="saw the list", by="Eve", clock=clock)
    new = Profile("carl", "vascular neurology", 8)
    replace_reader(store, "anna", new, reason="second reader", by="Eve", clock=clock)
    read_everything(study, store, clock, ("carl", "ben"))
    lock(study, store, by="Eve", clock=clock)
    done = unblind(study, store, request(key), clock=clock)

    assert done.files["responses.csv"].count("\ncarl,") == 8
    assert "anna" not in done.files["responses.csv"]
    assert done.files["responses_not_analysed.csv"].count("\nanna,") == 4
    with store.reading() as connection:
        by_name = {reader.name: reader for reader in all_readers(connection)}
    assert by_name["anna"].status == "replaced"
    assert by_name["carl"].replaces == "anna"
    assert by_name["carl"].slot == by_name["anna"].slot
    with pytest.raises(StudyError, match="There is a reader ben already"):
        replace_reader(
            store, "carl", Profile("ben", "x", 1), reason="r", by="E", clock=clock
        )


def test_only_some_settings_can_be_amended(study, store, clock):
    with pytest.raises(StudyError, match="Only corrections, n_readers, washout_days"):
        Amendment("c", "r", "Eve", {"n_trials": 3})
    below = Amendment("c", "r", "Eve", {"washout_days": -1})
    with pytest.raises(StudyError, match="washout_days must be 0 or more"):
        amend(study, store, below, clock=clock)
    amend(study, store, Amendment("one", "r", "Eve", {"n_readers": 1}), clock=clock)

    status = status_of(study, store)
    assert status.n_planned == 1
    assert study.protocol.n_readers == 2


def test_a_place_in_reserve_opens_by_amendment(study, store, clock):
    kept = replace(study, protocol=replace(study.protocol, n_readers=1, reserve=1))
    add_reader(kept, store, Profile("anna", "x", 1), by="Eve", clock=clock)
    for slot in ("", "reader-2"):
        late = Profile("ben", "x", 1, slot)
        with pytest.raises(StudyError, match=r"--set n_readers=2 opens one in reserve"):
            add_reader(kept, store, late, by="Eve", clock=clock)
    open_for_reading(kept, store, by="Eve", clock=clock)
    assert [t.reader for t in status_of(kept, store).trials] == ["anna", "anna"]
    with pytest.raises(StudyError, match=r"at most 2, .*\[readers\] reserve"):
        amend(kept, store, Amendment("c", "r", "Eve", {"n_readers": 3}), clock=clock)
    amend(kept, store, Amendment("two", "r", "Eve", {"n_readers": 2}), clock=clock)

    assert status_of(kept, store).n_planned == 2
    ben = add_reader(kept, store, Profile("ben", "x", 1), by="Eve", clock=clock)
    assert ben.slot == "reader-2"
    with pytest.raises(StudyError, match=r"\(none\), got one more reader$"):
        add_reader(kept, store, Profile("carl", "x", 1), by="Eve", clock=clock)


def test_a_place_that_nobody_took_is_not_missing(study, store, clock, key):
    kept = replace(study, protocol=replace(study.protocol, n_readers=1, reserve=1))
    add_reader(kept, store, Profile("anna", "x", 1), by="Eve", clock=clock)
    open_for_reading(kept, store, by="Eve", clock=clock)
    read_everything(kept, store, clock, ("anna",))
    record = lock(kept, store, by="Eve", clock=clock)
    files = unblind(kept, store, request(key), clock=clock).files

    assert record["n_responses"] == 8
    assert json.loads(files["plan.json"])["n_readers"] == 1
    flow = json.loads(files["flow.json"])
    assert {r["reader"] for r in flow["readings"]} == {"anna"}
    assert flow["deviations"] == []


def test_a_reader_must_have_one_of_the_roles(study, store, clock):
    asked = replace(
        study, protocol=replace(study.protocol, roles=("neuroradiologist",))
    )
    with pytest.raises(StudyError, match="must be neuroradiologist, got 'dentist'"):
        add_reader(asked, store, Profile("a", "dentist", 1), by="Eve", clock=clock)


def test_only_who_takes_part_can_leave(open_study_now, store, clock):
    exclude_reader(store, "anna", reason="r", by="Eve", clock=clock)
    for name in ("anna", "nobody"):
        with pytest.raises(StudyError, match="must be an active reader"):
            exclude_reader(store, name, reason="r", by="Eve", clock=clock)


def test_data_that_do_not_verify_are_not_locked(open_study_now, store, clock):
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE readers SET years = 99")

    with pytest.raises(StudyError, match="data cannot be locked: readers"):
        lock(open_study_now, store, by="Eve", clock=clock, incomplete="r")
