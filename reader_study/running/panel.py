"""Readings of a panel: what its rule makes of them, and the truth that follows.

All of it is read once the data are locked, so that readings stay independent of one
another; and each time the log keeps that it was read.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection

from reader_study.building.study import Study
from reader_study.clock import Clock
from reader_study.design.truth import Truth
from reader_study.errors import StudyError, counted
from reader_study.formats.asking import panel as formats_panel
from reader_study.formats.checking import Code
from reader_study.reading.answers import check_reason
from reader_study.running.lifecycle import changes_since_lock, with_remedy
from reader_study.running.status import read_status
from reader_study.store import milestones as store_milestones
from reader_study.store import readings
from reader_study.store.store import Store
from reader_study.store.transaction import Head
from reader_study.store.verifying import verify

_MOST_NAMED = 10


@dataclass(frozen=True)
class PanelCase:
    """A case as a panel read it; by its token alone.

    Attributes:
        token: Of its picture.
        pseudo_id: What readers knew it as.
        answers: By reader; None where the reading is missing.
        code: What the rule makes of them; None where it gives no answer.
        decided: How.
    """

    token: str
    pseudo_id: str
    answers: Mapping[str, Code | None]
    code: Code | None
    decided: formats_panel.Decided

    @property
    def n_missing(self) -> int:
        """Readings that are missing."""
        return sum(answer is None for answer in self.answers.values())


@dataclass(frozen=True)
class PanelReadings:
    """All readings of a panel, or of the round that decides where it disagreed.

    Attributes:
        study: The built study.
        panel: Question and rule.
        readers: Those who take part.
        n_planned: Readers of the protocol, as amended.
        cases: In the order of pseudo-IDs, which tells nothing; without withdrawn ones.
        withdrawn: Tokens of cases that were withdrawn.
        simulated: Whether bots have read.
        data_sha256: Hash of the locked data.
        head: Last entry of the log.
    """

    study: Study
    panel: formats_panel.Panel
    readers: tuple[str, ...]
    n_planned: int
    cases: tuple[PanelCase, ...]
    withdrawn: frozenset[str]
    simulated: bool
    data_sha256: str
    head: Head

    @property
    def open(self) -> tuple[PanelCase, ...]:
        """Cases of which the rule gives no answer."""
        return tuple(case for case in self.cases if case.decided == "unresolved")

    @property
    def agreement(self) -> formats_panel.PanelAgreement:
        """How far the readings agree."""
        read = [tuple(case.answers.values()) for case in self.cases]
        return formats_panel.panel_agreement(read)

    def in_words(self, case: PanelCase) -> str:
        """Return how many readers gave which answer; nobody is named."""
        asked = next(q for q in self.study.questionnaire if q.id == self.panel.question)
        counts = Counter(case.answers.values())
        found = [
            f"{choice.label}: {counts[choice.code]}"
            for choice in asked.scale
            if counts[choice.code]
        ]
        return "; ".join(
            [*found, *([f"missing: {counts[None]}"] if counts[None] else [])]
        )

    def to_text(self, *, named: bool = False) -> str:
        """Return the cases of which the rule gives no answer, as a text to read.

        Args:
            named: Whether to say who answered what.
        """
        found = Counter(case.decided for case in self.cases)
        simulated = "SIMULATED. " if self.simulated else ""
        lines = [
            f"{simulated}{self._size()}, question {self.panel.question}, rule "
            f"{self.panel.rule}: {counted(len(self.cases), 'case')}, "
            f"{found['unanimous']} unanimous, {found['majority']} by majority, "
            f"{len(self.open)} to be adjudicated; {self.agreement.to_text()}."
        ]
        for case in self.open:
            by = (f"{name} {_said(code)}" for name, code in case.answers.items())
            lines.append(
                f"{case.pseudo_id}  {', '.join(by) if named else self.in_words(case)}"
            )
        return "\n".join(lines)

    def to_record(self) -> dict[str, Any]:
        """Return what truth.json says of the study."""
        return {
            "study_id": self.study.manifest.study_id,
            "title": self.study.protocol.title,
            "protocol_sha256": self.study.manifest.protocol_sha256,
            "commitment": self.study.manifest.commitment,
            "question": self.panel.question,
            "rule": self.panel.rule,
            "adjudication": self.panel.adjudication,
            "show_readings": self.panel.show_readings,
            "n_readers": len(self.readers),
            "n_planned": self.n_planned,
            "data_sha256": self.data_sha256,
            "head": vars(self.head),
        }

    def _size(self) -> str:
        n, planned = len(self.readers), self.n_planned
        less = f" of {planned} planned" if n < planned else ""
        return f"Panel of {counted(n, 'reader')}{less}"


def read_panel(
    study: Study, store: Store, *, accept_missing: Collection[str] = ()
) -> PanelReadings:
    """Return the readings of a panel.

    Args:
        study: The built study.
        store: Its store.
        accept_missing: Pseudo-IDs of cases that are taken although readings of them are
            missing; a missing reading agrees with none.

    Raises:
        StudyError: If the study is no panel, is not locked, was changed since, or has
            readings missing that were not accepted.
    """
    panel = study.protocol.panel
    if panel is None:
        msg = f"{study.folder} must be a panel, with a table [panel], got another study"
        raise StudyError(msg)
    with store.reading() as connection:
        _require_locked(connection)
        past = store_milestones.find_milestones(connection)
        status = read_status(study, connection)
        answered = readings.latest(readings.find_responses(connection))
        data = store_milestones.data_sha256(connection)
    gone = store_milestones.withdrawn_tokens(past)
    active = tuple(reader for reader in status.readers if reader.active)
    if len(active) < (1 if panel.adjudicates else 2):
        who = "one reader" if panel.adjudicates else "two readers or more"
        msg = f"{study.folder} must have {who} who were not excluded, got {len(active)}"
        raise StudyError(msg)
    tokens = {p.token for p in study.manifest.presentations}
    cases = []
    for token in tokens - gone:
        given = {
            reader.name: _answer(answered.get((reader.name, token)), panel.question)
            for reader in active
        }
        decided = formats_panel.decide([*given.values()], panel.rule)
        pseudo_id = study.manifest.presentation(token).pseudo_id
        cases.append(PanelCase(token, pseudo_id, given, *decided))
    cases.sort(key=lambda case: case.pseudo_id)
    _require_complete(cases, accept_missing, study)
    return PanelReadings(
        study=study,
        panel=panel,
        readers=tuple(reader.name for reader in active),
        n_planned=status.n_planned,
        cases=tuple(cases),
        withdrawn=gone,
        simulated=status.simulated,
        data_sha256=data,
        head=status.head,
    )


def _require_locked(connection: Connection) -> None:
    past = store_milestones.find_milestones(connection)
    phase = store_milestones.phase_of(past)
    if phase not in {store_milestones.Phase.LOCKED, store_milestones.Phase.UNBLINDED}:
        msg = (
            "The readings of a panel must stay independent until all are in: they are "
            f"read after magic-study lock, this study is {phase}"
        )
        raise StudyError(msg)
    faults = [*verify(connection).faults, *changes_since_lock(connection, past)]
    if faults:
        msg = f"The data must be as they were locked: {with_remedy(faults)}"
        raise StudyError(msg)


def _answer(response: readings.Response | None, question: str) -> Code | None:
    given = response.answers.get(question) if response else None
    return given if isinstance(given, int | str) else None


def _require_complete(
    cases: Iterable[PanelCase], accepted: Collection[str], study: Study
) -> None:
    lacking = {c.pseudo_id: c.n_missing for c in cases if c.n_missing}
    left = {name: n for name, n in lacking.items() if name not in accepted}
    if not left:
        return
    named = ", ".join([*left][:_MOST_NAMED]) + (
        ", ..." if len(left) > _MOST_NAMED else ""
    )
    msg = (
        f"All readings of {study.folder} must be there, got "
        f"{counted(sum(left.values()), 'reading')} less, of {named}: --accept-missing "
        "with each pseudo-ID takes it so, and a missing reading agrees with none"
    )
    raise StudyError(msg)


def require_known(accepted: Iterable[str], studies: Sequence[Study]) -> None:
    """Refuse pseudo-IDs that no study has.

    Raises:
        StudyError: If there is one.
    """
    known = {p.pseudo_id for study in studies for p in study.manifest.presentations}
    for name in accepted:
        if name not in known:
            msg = f"--accept-missing must be a pseudo-ID of the panel, got {name!r:.40}"
            raise StudyError(msg)


def keep_that_read(
    store: Store, event: str, content: str, *, by: str, clock: Clock
) -> Head:
    """Log that readings of a panel were read, and the hash of what was made of them."""
    actor = check_reason(by)
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    with store.writing(clock) as t:
        return t.log(event, actor, {"sha256": sha256})


DISAGREEMENTS = "panel.disagreements"
TRUTH = "panel.truth"
"""Events of the log."""


class Round(NamedTuple):
    """Readings with the content of the key of their study."""

    readings: PanelReadings
    truth: Truth

    def case_of(self, case: PanelCase) -> str:
        """Return the name of a case."""
        return self.truth.cells[case.token].case

    def pictures(self) -> dict[str, str]:
        """Return the hash of each case's picture, as it was given to `build`."""
        of = self.truth.details.get("sources", ())
        return {str(source["case"]): str(source["sha256"]) for source in of}


def panel_truth(
    rounds: Sequence[Round], accepted: Collection[str] = ()
) -> formats_panel.PanelTruth:
    """Return the truth that a panel and its adjudication give.

    Args:
        rounds: The panel, and the round that decides where its rule gave no answer if
            there is one.
        accepted: Pseudo-IDs of cases that were taken although readings are missing.

    Raises:
        StudyError: If the second is not the adjudication of the first.
    """
    first, *others = rounds
    panel = first.readings
    if panel.panel.adjudicates:
        msg = f"{panel.study.folder} must be the panel itself, got its adjudication"
        raise StudyError(msg)
    decided = {first.case_of(case): (case.code, case.decided) for case in panel.cases}
    for other in others:
        decided |= _adjudicated(first, other)
    gone = {first.truth.cells[token].case for token in panel.withdrawn}
    return formats_panel.PanelTruth(
        panel=panel.to_record(),
        adjudication=_record_of(panel, others[0].readings) if others else {},
        agreement=panel.agreement,
        decided=decided,
        withdrawn=sorted(gone),
        accepted_missing=sorted(accepted),
        simulated=any(one.readings.simulated for one in rounds),
    )


def _record_of(panel: PanelReadings, decided: PanelReadings) -> dict[str, Any]:
    """Return what truth.json says of an adjudication."""
    known = {name.casefold() for name in panel.readers}
    again = any(name.casefold() in known for name in decided.readers)
    return {**decided.to_record(), "adjudicator_was_reader": again}


def _adjudicated(
    first: Round, second: Round
) -> dict[str, tuple[Code | None, formats_panel.Decided]]:
    panel, decided = first.readings, second.readings
    wanted = (panel.study.manifest.study_id, panel.panel.question)
    if (decided.panel.adjudicates, decided.panel.question) != wanted:
        msg = (
            f"{decided.study.folder} must adjudicate {wanted[1]} of panel {wanted[0]}, "
            f"got {decided.panel.question} of {decided.panel.adjudicates or 'none'}"
        )
        raise StudyError(msg)
    for name in ("adjudication", "show_readings"):
        sealed, got = getattr(panel.panel, name), getattr(decided.panel, name)
        if sealed != got:
            msg = (
                f"{name} of the adjudication must be as the panel sealed it, {sealed}, "
                f"got {got}"
            )
            raise StudyError(msg)
    left = {first.case_of(case) for case in panel.open}
    before, after = first.pictures(), second.pictures()
    found: dict[str, tuple[Code | None, formats_panel.Decided]] = {}
    for case in decided.cases:
        name = second.case_of(case)
        if name not in left:
            msg = f"Only cases that the panel left open are adjudicated, got {name}"
            raise StudyError(msg)
        if before.get(name) != after.get(name):
            msg = f"The adjudication must show the picture of the panel, not of {name}"
            raise StudyError(msg)
        if case.code is not None:
            found[name] = (case.code, "adjudicated")
    return found


def _said(code: Code | None) -> str:
    return "missing" if code is None else str(code)
