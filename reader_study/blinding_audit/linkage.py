"""Linkage: does anything lead from a case in one trial to it in the other?"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from reader_study.blinding_audit.facts import FileFacts
from reader_study.blinding_audit.findings import Cue, Level
from reader_study.blinding_audit.permutation import Numbers, rank_association
from reader_study.design.truth import TruthCell
from reader_study.formats.manifest import Slot

_NAMES: dict[str, Callable[[FileFacts], str]] = {
    "file name": lambda f: f.name,
    "pseudo-ID": lambda f: f.presentation.pseudo_id,
}


def name_linkage(
    facts: Sequence[FileFacts],
    cells: Mapping[str, TruthCell],
    rng: np.random.Generator,
) -> Iterator[Cue]:
    """Correlate names between the trials, and with the cases in their own order."""
    groups = sorted({f.presentation.group for f in facts})
    trials = sorted({f.presentation.trial for f in facts})
    for name, value in _NAMES.items():
        ranks = _by_case(facts, cells, value)
        between = [(ranks[group, 1], ranks[group, 2]) for group in groups]
        yield _cue(f"{name} between trials", between, rng)
        sorted_names = [
            (ranks[group, trial], _in_turn(ranks[group, trial]))
            for group in groups
            for trial in trials
        ]
        yield _cue(f"{name} and name of the case", sorted_names, rng)
    sizes = _by_case(facts, cells, lambda f: f"{f.data_length:012d}")
    between = [(sizes[group, 1], sizes[group, 2]) for group in groups]
    yield _cue("compressed size between trials", between, rng, level="picture")


def position_linkage(
    slots: Sequence[Slot],
    cells: Mapping[str, TruthCell],
    rng: np.random.Generator,
    *,
    distant: bool,
) -> Iterator[Cue]:
    """Correlate positions between the trials, and with the order of the cases' names.

    Args:
        slots: Orders of presentation; equal ones count once.
        cells: What is behind each token.
        rng: Source of chance.
        distant: Whether the protocol keeps the two positions of a case apart. They
            then correlate negatively, as anyone may know, and only a positive
            correlation counts.
    """
    pairs = sorted({tuple(slot.orders[trial] for trial in (1, 2)) for slot in slots})
    positions = [[_positions(order, cells) for order in pair] for pair in pairs]
    between = [(first, second) for first, second in positions]
    one_sided = " (one-sided)" if distant else ""
    yield _cue(f"position between trials{one_sided}", between, rng, distant=distant)
    sorted_names = [(places, _in_turn(places)) for pair in positions for places in pair]
    yield _cue("position and name of the case", sorted_names, rng)


def _cue(
    name: str,
    pairs: list[tuple[Numbers, Numbers]],
    rng: np.random.Generator,
    *,
    distant: bool = False,
    level: Level = "file",
) -> Cue:
    found = rank_association(pairs, rng, positive_only=distant)
    return Cue(name, level, "rank correlation", found.value, found.p_value, found.how)


def _by_case(
    facts: Sequence[FileFacts],
    cells: Mapping[str, TruthCell],
    value: Callable[[FileFacts], str],
) -> dict[tuple[str, int], Numbers]:
    """Give the rank of each case's value by group and trial, cases by name."""
    texts: dict[tuple[str, int], dict[str, str]] = {}
    for f in facts:
        at = texts.setdefault((f.presentation.group, f.presentation.trial), {})
        at[cells[f.presentation.token].case] = value(f)
    ranks = {}
    for place, of in texts.items():
        in_order = sorted(of.values())
        ranks[place] = np.array(
            [float(in_order.index(of[case])) for case in sorted(of)]
        )
    return ranks


def _in_turn(series: Numbers) -> Numbers:
    return np.arange(len(series), dtype=np.float64)


def _positions(order: Sequence[str], cells: Mapping[str, TruthCell]) -> Numbers:
    """Give the position of each case, cases by name."""
    at = {cells[token].case: place for place, token in enumerate(order)}
    return np.array([float(at[case]) for case in sorted(at)])
