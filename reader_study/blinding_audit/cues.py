"""Cues with the key: does what may differ by chance follow the method?"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
from scipy.stats import rankdata

from reader_study.blinding_audit import permutation
from reader_study.blinding_audit.facts import FileFacts, PictureFacts
from reader_study.blinding_audit.findings import Cue, Level
from reader_study.design.truth import TruthCell
from reader_study.formats.manifest import Slot
from reader_study.formats.protocol import PictureCue

_OfCases = Mapping[str, str]
_Pair = tuple[permutation.Numbers, permutation.Numbers]
_LEAST_CASES = 2

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
    for name, value in _NAMES.items():
        ranks = _by_case(facts, cells, value)
        yield from _linkage_cues(f"{name} between trials", _between(ranks), rng)
        sorted_names = _against_names(ranks.values())
        yield from _linkage_cues(f"{name} and name of the case", sorted_names, rng)
    sizes = _between(_by_case(facts, cells, lambda f: f"{f.data_length:012d}"))
    name = "compressed size between trials"
    yield from _linkage_cues(name, sizes, rng, level="picture")


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
    orders = _different_orders(slots)
    positions = {
        (f"{number:06}", trial): _positions(order, cells)
        for number, one in enumerate(orders)
        for trial, order in enumerate(one)
    }
    one_sided = " (one-sided)" if distant else ""
    name = f"position between trials{one_sided}"
    yield from _linkage_cues(name, _between(positions), rng, distant=distant)
    sorted_names = _against_names(positions.values())
    yield from _linkage_cues("position and name of the case", sorted_names, rng)


def _linkage_cues(
    name: str,
    pairs: list[_Pair],
    rng: np.random.Generator,
    *,
    distant: bool = False,
    level: Level = "file",
) -> Iterator[Cue]:
    """Yield the most telling correlation, of series of one length together.

    p is multiplied by the number of lengths. There is none of a single case.
    """
    by_length: dict[int, list[_Pair]] = {}
    for pair in pairs:
        by_length.setdefault(len(pair[0]), []).append(pair)
    found = [
        permutation.rank_association(alike, rng, positive_only=distant)
        for n, alike in sorted(by_length.items())
        if n >= _LEAST_CASES
    ]
    if found:
        most = min(found, key=lambda one: one.p_value)
        p_value, least = (
            min(1.0, len(found) * p) for p in (most.p_value, most.least_p)
        )
        yield Cue(name, level, "rank correlation", most.value, p_value, most.how, least)


def _between(values: Mapping[tuple[str, int], _OfCases]) -> list[_Pair]:
    """Pair what cases have in one trial and in the next, of each group."""
    pairs = []
    for (group, trial), one in sorted(values.items(), key=lambda item: item[0]):
        other = values.get((group, trial + 1), {})
        both = sorted(one.keys() & other.keys())
        if both:
            pairs.append((_ranks_of(one, both), _ranks_of(other, both)))
    return pairs


def _against_names(values: Iterable[_OfCases]) -> list[_Pair]:
    """Pair what cases have with the order of their names."""
    return [
        (_ranks_of(of, sorted(of)), np.arange(len(of), dtype=np.float64))
        for of in values
    ]


def _ranks_of(of: _OfCases, cases: Sequence[str]) -> permutation.Numbers:
    in_order = sorted(of[case] for case in cases)
    return np.array([float(in_order.index(of[case])) for case in cases])


def _by_case(
    facts: Sequence[FileFacts],
    cells: Mapping[str, TruthCell],
    value: Callable[[FileFacts], str],
) -> dict[tuple[str, int], _OfCases]:
    """Return a value of each case, of its first picture, by group and trial."""
    texts: dict[tuple[str, int], dict[str, str]] = {}
    for f in facts:
        at = texts.setdefault((f.presentation.group, f.presentation.trial), {})
        at.setdefault(cells[f.presentation.token].case, value(f))
    return {place: texts[place] for place in sorted(texts)}


def _positions(order: Sequence[str], cells: Mapping[str, TruthCell]) -> _OfCases:
    """Return the first position of each case, as texts that sort like numbers."""
    at: dict[str, str] = {}
    for place, token in enumerate(order):
        at.setdefault(cells[token].case, f"{place:06}")
    return dict(sorted(at.items()))


def _different_orders(slots: Sequence[Slot]) -> list[tuple[tuple[str, ...], ...]]:
    """Return the orders of all trials, each once."""
    return sorted({tuple(o for _, o in sorted(slot.orders.items())) for slot in slots})


_PENALTY = 1.0  # per feature, in units of a case's variance

_FILE_CUES: dict[str, Callable[[FileFacts], str | float]] = {
    "file name": lambda f: f.name,
    "pseudo-ID": lambda f: f.presentation.pseudo_id,
    "order of creation": lambda f: float(f.inode),
    "padding": lambda f: f.padding_mean,
}
_EITHER_WAY = "AUC, either way"
_SIDES = ("top", "bottom", "left", "right")
_PICTURE_CUES: dict[PictureCue, Callable[[PictureFacts], float]] = {
    "margin": lambda p: p.margin,
    "slice rows": lambda p: p.slice_rows,
    "background noise": lambda p: p.background_noise,
    "background share": lambda p: p.background_share,
    "colours used": lambda p: p.colours,
    "compressed size": lambda p: p.data_length,
}


def cross_validated_auc(
    features: permutation.Numbers,
    is_test: permutation.Flags,
    cases: list[str],
    rng: np.random.Generator,
) -> permutation.Association:
    """Return the AUC of a ridge classifier on cases it has not seen.

    One case is left out at a time, with all its pictures. The scores are linear in the
    labels, so that every permutation is cross-validated too, at the cost of a matrix
    product. Permutations swap the methods of a case; p is one-sided.

    Args:
        features: `(n, m)` numbers.
        is_test: `(n,)` method.
        cases: Case of each picture.
        rng: Source of chance.
    """
    scoring = _scoring_matrix(_standardised(features), np.array(cases))
    labels = np.where(is_test, 1.0, -1.0)
    seen = float(_aucs(scoring, labels[:, None])[0])
    names, members = np.unique(cases, return_inverse=True)
    swaps = rng.choice([-1.0, 1.0], (len(names), permutation.N_PERMUTATIONS))
    drawn = _aucs(scoring, labels[:, None] * swaps[members])
    # Scores are linear in the labels: with all of them swapped the AUC is the same.
    least = max(2.0 ** (1 - len(names)), 1 / (1 + permutation.N_PERMUTATIONS))
    p_value = permutation.monte_carlo_p(drawn, seen)
    return permutation.Association(seen, p_value, permutation.monte_carlo_note(), least)


def file_cues(
    facts: Sequence[FileFacts],
    cells: Mapping[str, TruthCell],
    test: str,
    rng: np.random.Generator,
) -> Iterator[Cue]:
    """Hold what no reader needs to see against the methods, each alone and together.

    Args:
        facts: Facts of each file.
        cells: What is behind each token.
        test: Name of the test method.
        rng: Source of chance.
    """
    truth = [cells[f.presentation.token] for f in facts]
    is_test = np.array([cell.method == test for cell in truth])
    yield from file_orders(facts, is_test)
    counts = Counter((cell.case, cell.method == test) for cell in truth)
    if len(set(counts.values())) > 1 or len(counts) < 2 * len({c for c, _ in counts}):
        return  # labels of a case cannot be swapped
    features = np.column_stack(
        [
            *(_ranks(facts, value) for value in _FILE_CUES.values()),
            _characters([f.presentation.pseudo_id for f in facts]),
            _characters([f.name[:8] for f in facts]),
        ]
    )
    cases = [cell.case for cell in truth]
    found = cross_validated_auc(features, is_test, cases, rng)
    name = f"classifier of {features.shape[1]} file features (one-sided)"
    yield _found(name, "file", "AUC", found)


def file_orders(
    facts: Sequence[FileFacts], is_test: permutation.Flags
) -> Iterator[Cue]:
    """Hold the order of names, creation and padding against two classes.

    Args:
        facts: Facts of each file.
        is_test: `(n,)` whether a file is of the second class, such as the test method.
    """
    for name, value in _FILE_CUES.items():
        ranks = _ranks(facts, value)
        orders = [
            is_test[one][np.argsort(ranks[one])] for one in _shown_together(facts)
        ]
        found = permutation.order_association(orders)
        yield _found(name, "file", _EITHER_WAY, found)


def position_cue(
    slots: Sequence[Slot],
    cells: Mapping[str, TruthCell],
    test: str,
) -> Cue:
    """Hold the position in the order of presentation against the methods.

    The reader whose orders tell most is given, with the p-value multiplied by the
    number of readers with orders of their own.
    """
    found = []
    for pair in _different_orders(slots):
        methods = [[cells[token].method for token in order] for order in pair]
        found.append(
            permutation.order_association([np.array(m) == test for m in methods])
        )
    most = min(found, key=lambda one: one.p_value)
    p_value, least = (min(1.0, len(found) * p) for p in (most.p_value, most.least_p))
    how = f"{most.how}, the most telling of {len(found)}"
    return Cue("position", "file", _EITHER_WAY, most.value, p_value, how, least)


def frame_cues(
    pictures: Mapping[tuple[str, str], PictureFacts],
    test: str,
    rng: np.random.Generator,
) -> Iterator[Cue]:
    """Hold the outermost rows and columns against the methods; they show no patient."""
    is_test = np.array([method == test for _, method in pictures])
    for place, side in enumerate(_SIDES):
        values = np.array([picture.frame[place] for picture in pictures.values()])
        yield _cue(f"border at the {side}", "file", values, is_test, rng)


def picture_cues(
    pictures: Mapping[tuple[str, str], PictureFacts],
    test: str,
    rng: np.random.Generator,
) -> Iterator[Cue]:
    """Hold what is part of a picture, but not its diagnosis, against the methods.

    Args:
        pictures: Facts of each picture, by case and method.
        test: Name of the test method.
        rng: Source of chance.
    """
    is_test = np.array([method == test for _, method in pictures])
    for name, value in _PICTURE_CUES.items():
        values = np.array([float(value(picture)) for picture in pictures.values()])
        yield _cue(name, "picture", values, is_test, rng)


def _standardised(features: permutation.Numbers) -> permutation.Numbers:
    spread = features.std(axis=0)
    scaled: permutation.Numbers = (features - features.mean(axis=0)) / np.where(
        spread, spread, 1
    )
    return scaled


def _scoring_matrix(
    features: permutation.Numbers, cases: np.ndarray
) -> permutation.Numbers:
    """Return the matrix that turns labels into scores of pictures left out."""
    scoring = np.zeros((len(cases), len(cases)))
    for case in np.unique(cases):
        left_out = cases == case
        known = features[~left_out]
        penalty = _PENALTY * features.shape[1] * np.eye(features.shape[1])
        weights = np.linalg.solve(known.T @ known + penalty, known.T)
        scoring[np.ix_(left_out, ~left_out)] = features[left_out] @ weights
    return scoring


def _aucs(
    scoring: permutation.Numbers, labels: permutation.Numbers
) -> permutation.Numbers:
    """Return the AUC of each column of labels; each has as many of either method."""
    ranks = rankdata(np.round(scoring @ labels, 9), axis=0)
    n = len(labels) / 2
    aucs: permutation.Numbers = (
        (ranks * (labels > 0)).sum(axis=0) - n * (n + 1) / 2
    ) / n**2
    return aucs


def _cue(
    name: str,
    level: Level,
    values: permutation.Numbers,
    is_test: permutation.Flags,
    rng: np.random.Generator,
) -> Cue:
    found = permutation.auc_association(values, is_test, rng)
    return _found(name, level, "AUC", found)


def _found(
    name: str, level: Level, statistic: str, found: permutation.Association
) -> Cue:
    p_value, least = found.p_value, found.least_p
    return Cue(name, level, statistic, found.value, p_value, found.how, least)


def _ranks(
    facts: Sequence[FileFacts], value: Callable[[FileFacts], str | float]
) -> permutation.Numbers:
    """Return the rank of each value among those of its group and trial."""
    values = np.array([value(f) for f in facts])
    ranks = np.zeros(len(values))
    for one in _shown_together(facts):
        ranks[one] = np.unique(values[one], return_inverse=True)[1]
    return ranks


def _shown_together(facts: Sequence[FileFacts]) -> list[permutation.Flags]:
    """Return which files each group sees in each trial."""
    sets = np.array([f"{f.presentation.group} {f.presentation.trial}" for f in facts])
    return [sets == one for one in np.unique(sets)]


def _characters(texts: Sequence[str]) -> permutation.Numbers:
    return np.array([[float(ord(letter)) for letter in text] for text in texts])
