"""Open the key, once the data are locked and two people say why."""

import hmac
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from reader_study.building.sealing import commitment, unseal
from reader_study.building.study import Study
from reader_study.clock import Clock
from reader_study.design.truth import Truth
from reader_study.errors import StudyError
from reader_study.formats import closing, flow, plan, questionnaire, responses
from reader_study.formats.asking import marks
from reader_study.formats.checking import json_text
from reader_study.formats.sealed import UNBLINDING, sealed_content
from reader_study.reading.answers import check_reason
from reader_study.running import export
from reader_study.running.flow import read_flow
from reader_study.running.lifecycle import (
    DAMAGE_ACCEPTED,
    changes_since_lock,
    require_two,
    with_remedy,
)
from reader_study.running.withdrawal import tokens_of_cases
from reader_study.store import readings
from reader_study.store.milestones import (
    Deviation,
    Milestone,
    MilestoneKind,
    Phase,
    add_milestone,
    data_sha256,
    effective_protocol,
    find_milestones,
    phase_of,
    withdrawn_tokens,
)
from reader_study.store.readers import all_readers
from reader_study.store.store import Store
from reader_study.store.transaction import Head, Transaction
from reader_study.store.verifying import Verification, verify

if TYPE_CHECKING:
    from reader_study.frames import DataFrame

ALL_REVISIONS = "responses_all_revisions.csv"
NOT_ANALYSED = "responses_not_analysed.csv"
TRAINING = "training_answers.csv"


@dataclass(frozen=True)
class UnblindRequest:
    """Who wants to unblind, why, and with which key.

    Attributes:
        key: The sealed key.
        passphrases: All that it needs.
        first: Name of one person who stands for it.
        second: Name of another person who does.
        reason: Reason for unblinding now.
        anchors: Entries of the log known from receipts or the lock record.
        faults: What is wrong with anchors that are kept beside the study.
        accept_damage: Reason for going on although the store is damaged; empty to
            refuse. Readings that the log does not vouch for then count as missing.
    """

    key: Path
    passphrases: Sequence[str]
    first: str
    second: str
    reason: str
    anchors: Sequence[Head] = ()
    faults: Sequence[str] = ()
    accept_damage: str = ""

    def __post_init__(self) -> None:
        require_two(self.first, self.second)
        check_reason(self.reason)


@dataclass(frozen=True, repr=False)
class Unblinded:
    """What is written once a study is unblinded.

    Attributes:
        record: Who unblinded, when and why, with hashes.
        files: Content by file name.
    """

    record: Mapping[str, Any]
    files: Mapping[str, str]

    def __repr__(self) -> str:
        number = self.record["time_of_unblinding"]
        return f"<Unblinded, time {number}: {', '.join(self.files)}>"

    def to_frame(self) -> "DataFrame":
        """Return the content of responses.csv: one row a reading."""
        from reader_study.frames import frame_of_csv

        return frame_of_csv(self.files[responses.FILE_NAME])

    def write(self, folder: Path) -> None:
        """Write the files into a folder.

        Raises:
            StudyError: If one exists or cannot be written.
        """
        for name, content in self.files.items():
            export.write_new(folder / name, content)


def unblind(
    study: Study, store: Store, request: UnblindRequest, *, clock: Clock
) -> Unblinded:
    """Open the key and join it with the answers; recorded, and never undone.

    A second time is recorded as a second time. Refusals are logged.

    Raises:
        StudyError: If the data are not locked or were changed since, or the key is
            not the one of this study.
    """
    try:
        truth = open_key(study, request.key, request.passphrases)
        with store.writing(clock) as t:
            found = verify(t.connection, request.anchors)
            record = _record(study, t, request, found)
    except StudyError:
        with suppress(StudyError), store.writing(clock) as t:
            t.log("unblinding.refused", request.first, {"second": request.second})
        raise
    return Unblinded(record, _files(study, store, truth, record, found.lost))


def open_key(study: Study, key: Path, passphrases: Sequence[str]) -> Truth:
    """Return the content of the key of a study.

    Raises:
        StudyError: If it does not open, or is the key of another study.
    """
    truth = unseal(key, passphrases)
    manifest = study.manifest
    same = hmac.compare_digest(commitment(truth), manifest.commitment)
    if not same or truth.study_id != manifest.study_id:
        msg = f"{key} must be the key this study is committed to, got another"
        raise StudyError(msg)
    return truth


def _record(
    study: Study, t: Transaction, request: UnblindRequest, verified: Verification
) -> dict[str, Any]:
    milestones = find_milestones(t.connection)
    if phase_of(milestones) not in {Phase.LOCKED, Phase.UNBLINDED}:
        msg = "The data must be locked before unblinding"
        raise StudyError(msg)
    faults = [*request.faults, *verified.faults]
    faults = faults or changes_since_lock(t.connection, milestones)
    found = data_sha256(t.connection)
    if faults and not request.accept_damage:
        msg = f"The data must be as they were locked: {with_remedy(faults)}"
        raise StudyError(msg)
    earlier = sum(m.kind is MilestoneKind.UNBLINDED for m in milestones)
    record: dict[str, Any] = {
        "study_id": study.manifest.study_id,
        "time_of_unblinding": earlier + 1,
        "first": request.first,
        "second": request.second,
        "reason": request.reason,
        "unblinded_at": t.now,
        "data_sha256": found,
        "commitment": study.manifest.commitment,
    }
    if faults:
        reason = check_reason(request.accept_damage)
        record["accepted_damage"] = {"reason": reason, "faults": faults}
    head = add_milestone(t, MilestoneKind.UNBLINDED, request.first, record)
    return record | {"head": vars(head)}


def _files(
    study: Study,
    store: Store,
    truth: Truth,
    record: Mapping[str, Any],
    lost: Collection[tuple[str, str]],
) -> dict[str, str]:
    with store.reading() as connection:
        revisions = readings.find_responses(connection, lost=lost)
        active = {r.name for r in all_readers(connection) if r.active}
        milestones = find_milestones(connection)
        gone = tokens_of_cases(truth, withdrawn_tokens(milestones))
        came = read_flow(study, connection, gone=gone, lost=lost)
        planned = _plan(study, milestones)
        around = _around(study, connection, truth)
        views = readings.find_views(connection)
    counted = readings.latest(revisions).values()
    theirs = [response for response in counted if response.reader in active]
    analysed = [_unanswered(r) if r.token in gone else r for r in theirs]
    others = [r for r in counted if r.reader not in active or r.token in gone]
    first = {(r.reader, r.token): r for r in revisions if r.revision == 1}
    accepted = [_accepted(m) for m in milestones if "accepted_damage" in m.details]
    came = replace(came, deviations=(*came.deviations, *accepted))
    files = {
        responses.FILE_NAME: export.responses_csv(study, truth, analysed, first, views),
        questionnaire.FILE_NAME: study.questionnaire.to_json(),
        plan.FILE_NAME: planned,
        flow.FILE_NAME: came.to_record().to_json(),
        UNBLINDING: json_text({**record, **sealed_content(study.protocol)}),
        **around,
    }
    if any(question.marked for question in study.questionnaire):
        files[marks.FILE_NAME] = export.marks_csv(study, truth, analysed)
    if others:
        files[NOT_ANALYSED] = export.responses_csv(study, truth, others, first, views)
    if len(first) < len(revisions):
        files[ALL_REVISIONS] = export.responses_csv(
            study, truth, revisions, views=views
        )
    return files


def _unanswered(response: readings.Response) -> readings.Response:
    """Return a reading of a withdrawn case as one without an answer."""
    return replace(response, answers={}, reasons={}, note="the case was withdrawn")


def _accepted(milestone: Milestone) -> Deviation:
    """Return as a deviation that the data were unblinded although damaged."""
    told = milestone.detail("accepted_damage")
    return Deviation(
        kind=DAMAGE_ACCEPTED,
        reader="",
        trial=0,
        reason=f"{told['reason']} ({'; '.join(told['faults'])})",
        recorded_by=milestone.detail("first"),
        approved_by=milestone.detail("second"),
        recorded_at=milestone.recorded_at,
    )


def _around(study: Study, connection: Connection, truth: Truth) -> dict[str, str]:
    """Return the files of training and closing questions, of all readers."""
    files = {}
    if study.manifest.training_sha256:
        names = {c["token"]: c["case"] for c in truth.details.get("training", [])}
        steps = readings.find_training_steps(connection)
        files[TRAINING] = export.training_csv(study, steps, names)
    if study.protocol.closing:
        slots = {reader.name: reader.slot for reader in all_readers(connection)}
        closings = readings.find_closings(connection).values()
        files[closing.FILE_NAME] = export.closing_csv(study, closings, slots, truth)
    return files


def _plan(study: Study, milestones: Sequence[Milestone]) -> str:
    rehearsed = [m.details for m in milestones if m.kind is MilestoneKind.SIMULATED]
    return plan.plan_json(
        effective_protocol(study.protocol, milestones),
        study.manifest.study_id,
        simulated=bool(rehearsed),
        planted=rehearsed[0].get("planted") if rehearsed else None,
    )
