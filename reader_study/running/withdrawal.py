"""Withdraw a case: it is shown no more, and counts as missing for all.

Who coordinates a study knows pseudo-IDs, one per group and trial, and not which of
them are one case; the key alone tells. One is enough: at unblinding every reading of
the case behind it counts as missing. To stop a case being shown under its other names
as well, the keeper of the key lists them.
"""

from collections.abc import Collection, Sequence

from reader_study.building.study import Study
from reader_study.clock import Clock
from reader_study.design.truth import Truth
from reader_study.errors import StudyError
from reader_study.formats.manifest import Presentation
from reader_study.reading.answers import check_reason
from reader_study.store import milestones
from reader_study.store.store import Store
from reader_study.store.transaction import Head

CASE_WITHDRAWN = "case_withdrawn"


def withdraw_case(
    study: Study,
    store: Store,
    names: Sequence[str],
    *,
    reason: str,
    by: str,
    clock: Clock,
) -> Head:
    """Withdraw a case: a deviation.

    Args:
        study: The built study.
        store: Store of the study.
        names: Pseudo-IDs or tokens of one case, one at least.
        reason: Reason for it.
        by: Name of who withdraws.
        clock: The server's clock.

    Raises:
        StudyError: If the study has no such pseudo-ID, the case was withdrawn before,
            or the data are locked.
    """
    kept, actor = check_reason(reason), check_reason(by)
    shown = [_presentation(study, name) for name in names]
    if not shown:
        msg = "A pseudo-ID must be given, got none"
        raise StudyError(msg)
    with store.writing(clock) as t:
        found = milestones.find_milestones(t.connection)
        if milestones.phase_of(found) not in {
            milestones.Phase.BUILT,
            milestones.Phase.OPEN,
        }:
            msg = "The data are locked; cases stay as they are"
            raise StudyError(msg)
        gone = milestones.withdrawn_tokens(found)
        tokens = sorted({p.token for p in shown} - gone)
        if not tokens:
            msg = f"{', '.join(names)} must not be withdrawn, but is already"
            raise StudyError(msg)
        details = {"tokens": tokens, "reason": kept, "by": actor}
        milestones.add_milestone(t, milestones.MilestoneKind.WITHDRAWN, actor, details)
        told = f"{', '.join(p.pseudo_id for p in shown)}: {kept}"
        deviation = milestones.Deviation(CASE_WITHDRAWN, "", 0, told, actor)
        return milestones.add_deviation(t, deviation)


def names_of_case(study: Study, truth: Truth, name: str) -> tuple[str, ...]:
    """Return all pseudo-IDs of a case, sorted, so that their order tells nothing.

    Args:
        study: The built study.
        truth: Content of its key.
        name: One of its pseudo-IDs or tokens, or the name of the case in cases.csv.

    Raises:
        StudyError: If there is no such case.
    """
    cases = {cell.case for cell in truth.cells.values()}
    case = name
    if name not in cases:
        case = truth.cells[_presentation(study, name).token].case
    return tuple(
        sorted(
            p.pseudo_id
            for p in study.manifest.presentations
            if truth.cells[p.token].case == case
        )
    )


def tokens_of_cases(truth: Truth, tokens: Collection[str]) -> frozenset[str]:
    """Return all tokens of the cases that these tokens show."""
    cases = {truth.cells[token].case for token in tokens}
    return frozenset(t for t, cell in truth.cells.items() if cell.case in cases)


def _presentation(study: Study, name: str) -> Presentation:
    for presentation in study.manifest.presentations:
        if name in {presentation.token, presentation.pseudo_id}:
            return presentation
    msg = f"The study must have the pseudo-ID {name!r:.40}, such as WPV-339, got none"
    raise StudyError(msg)
