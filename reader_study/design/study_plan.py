"""The plan of a study: cases drawn, design drawn, each picture under its own names."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reader_study.design.design import Design, draw_design, generator
from reader_study.design.truth import Truth, TruthCell
from reader_study.errors import StudyError
from reader_study.formats.manifest import Manifest, Slot
from reader_study.formats.protocol import Protocol

LETTERS = "CDFGHJKMNPRTVWXY"
"""No vowels, so that no word arises; none that looks like a digit or a neighbour."""

DIGITS = "23456789"
_N_PSEUDO_IDS = len(LETTERS) ** 3 * len(DIGITS) ** 3
_N_TOKEN_BYTES = 16


def draw_pseudo_ids(n: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Draw different pseudo-IDs, three letters and three digits each.

    They are numbers of a lottery: none is derived from a case, a trial or a position.

    Args:
        n: Number to draw.
        rng: Source of chance.

    Raises:
        StudyError: If there are not as many.

    Examples:
        >>> draw_pseudo_ids(2, np.random.default_rng(0))
        ('WPV-339', 'RGC-997')
    """
    if not 0 <= n <= _N_PSEUDO_IDS:
        msg = f"Pseudo-IDs must be {_N_PSEUDO_IDS} at most, got {n}"
        raise StudyError(msg)
    return tuple(_written(int(x)) for x in rng.choice(_N_PSEUDO_IDS, n, replace=False))


def draw_tokens(n: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Draw tokens of 128 random bits, in hexadecimal."""
    return tuple(rng.bytes(_N_TOKEN_BYTES).hex() for _ in range(n))


@dataclass(frozen=True)
class PlannedPresentation:
    """What a group sees in a trial, with the truth about it."""

    token: str
    group: str
    trial: int
    pseudo_id: str
    cell: TruthCell


@dataclass(frozen=True)
class StudyPlan:
    """All that chance decides about a study."""

    presentations: tuple[PlannedPresentation, ...]
    slots: tuple[Slot, ...]

    @property
    def cells(self) -> dict[str, TruthCell]:
        """What is behind each token."""
        return {p.token: p.cell for p in self.presentations}


def plan_study(
    available: Mapping[str, str], protocol: Protocol, nonce: str
) -> StudyPlan:
    """Draw a study; the same cases, protocol and nonce give the same study.

    Args:
        available: Severity of each case that may be drawn.
        protocol: How many of which severity, and the design.
        nonce: Recorded random text. It is secret until unblinding.

    Raises:
        StudyError: If there are too few cases, or the constraints cannot be met.
    """
    rng = {
        purpose: generator(protocol.sha256, nonce, purpose)
        for purpose in ("cases", "design", "pseudo-IDs", "tokens")
    }
    severities = _draw_cases(available, protocol.per_severity, rng["cases"])
    design = draw_design(severities, protocol, rng["design"])
    shown = [
        (group, trial, case)
        for group in design.reference_trial
        for trial in range(1, protocol.n_trials + 1)
        for case in severities
    ]
    pseudo_ids = draw_pseudo_ids(len(shown), rng["pseudo-IDs"])
    tokens = draw_tokens(len(shown), rng["tokens"])
    presentations = []
    for (group, trial, case), name, token in zip(
        shown, pseudo_ids, tokens, strict=True
    ):
        reference = design.is_reference(group, trial, case)
        method = protocol.reference if reference else protocol.test
        cell = TruthCell(case, method, severities[case])
        presentations.append(PlannedPresentation(token, group, trial, name, cell))
    return StudyPlan(tuple(presentations), _slots(design, presentations))


def check_draw(manifest: Manifest, truth: Truth, protocol: Protocol) -> None:
    """Check that an unsealed study is the one that its nonce draws.

    Args:
        manifest: The manifest of the study.
        truth: Content of its key.
        protocol: The protocol as built.

    Raises:
        StudyError: If nonce, allocation, names or orders are others.
    """
    missing = {"nonce", "available"} - set(truth.details)
    if missing:
        msg = f"The key must say how the study was drawn, got no {min(missing)}"
        raise StudyError(msg)
    nonce = str(truth.details["nonce"])
    if hashlib.sha256(nonce.encode()).hexdigest() != manifest.nonce:
        msg = "The nonce in the key must be the one the manifest commits to"
        raise StudyError(msg)
    plan = plan_study(truth.details["available"], protocol, nonce)
    names = {(p.token, p.group, p.trial, p.pseudo_id) for p in plan.presentations}
    shown = {(p.token, p.group, p.trial, p.pseudo_id) for p in manifest.presentations}
    if plan.cells != truth.cells or plan.slots != manifest.slots or names != shown:
        msg = "The study must be the one that protocol and nonce draw, got another"
        raise StudyError(msg)


def _written(number: int) -> str:
    text = ""
    for alphabet in (DIGITS,) * 3 + (LETTERS,) * 3:
        number, place = divmod(number, len(alphabet))
        text = alphabet[place] + text
    return f"{text[:3]}-{text[3:]}"


def _draw_cases(
    available: Mapping[str, str],
    per_severity: Mapping[str, int],
    rng: np.random.Generator,
) -> dict[str, str]:
    drawn: dict[str, str] = {}
    for severity, wanted in sorted(per_severity.items()):
        cases = sorted(case for case, found in available.items() if found == severity)
        if len(cases) < wanted:
            msg = f"Cases of severity {severity} must be {wanted}, got {len(cases)}"
            raise StudyError(msg)
        chosen = rng.choice(len(cases), wanted, replace=False)
        drawn |= {cases[i]: severity for i in chosen}
    return drawn


def _slots(design: Design, shown: list[PlannedPresentation]) -> tuple[Slot, ...]:
    tokens = {(p.group, p.trial, p.cell.case): p.token for p in shown}
    return tuple(
        Slot(
            plan.reader,
            plan.group,
            {
                trial: tuple(tokens[plan.group, trial, case] for case in order)
                for trial, order in plan.orders.items()
            },
        )
        for plan in design.plans
    )
