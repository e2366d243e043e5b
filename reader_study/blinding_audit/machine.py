"""How well a machine tells the methods by the pictures alone, beside what readers did.

Gradient boosting on histograms, texture and spectrum of each picture; every case is
judged by what was learned from other cases. It is a report, not a limit: a machine
that tells the methods says that the pictures differ, readers say whether that is seen.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft2

from reader_study.building import png, study
from reader_study.design.truth import Truth
from reader_study.formats.manifest import Manifest
from reader_study.formats.protocol import Protocol
from reader_study.formats.questionnaire import read_questionnaire
from reader_study.formats.responses import Reading, read_responses

_Floats = NDArray[np.float64]
_Plane = NDArray[np.uint8]

LEAST_CASES = 6
"""With fewer there is nothing to learn from."""

_FOLDS, _SEED, _DRAWS, _LEVEL = 10, 28, 2000, 0.95
_BINS, _BANDS, _SCALES, _TILE, _QUANTILES = 16, 12, 3, 128, (0.25, 0.5, 0.75, 0.95)
_REAL, _SYNTHETIC = 1, 0  # answers to "is this picture real?" (Figure S.3)


@dataclass(frozen=True)
class Separation:
    """How well the methods were told apart.

    Attributes:
        who: Whose judgements.
        auc: Chance that a picture of the test method is judged more likely to be of it
            than one of the reference; 0.5 tells nothing.
        low: Lower limit of its 95 % interval, over cases.
        high: Upper limit.
        n_cases: Cases judged by both methods.
    """

    who: str
    auc: float
    low: float
    high: float
    n_cases: int

    def __str__(self) -> str:
        """Return one line to read."""
        limits = f"{self.low:.2f} to {self.high:.2f}"
        return f"{self.who}: AUC {self.auc:.2f} ({limits}), {self.n_cases} cases"


def machine_separation(
    folder: Path, manifest: Manifest, truth: Truth, test: str, jobs: int = 2
) -> Separation | None:
    """Learn to tell the methods, and say how well it went; None of too few cases.

    Args:
        folder: STUDY.
        manifest: Its manifest.
        truth: Content of its key.
        test: Name of the test method.
        jobs: Pictures at a time.
    """
    paths = {}
    for shown in manifest.presentations:
        cell = truth.cells[shown.token]
        paths[cell.case, cell.method == test] = folder / study.IMAGES / shown.image
    cases = sorted({case for case, _ in paths})
    if len(cases) < LEAST_CASES:
        return None
    with ThreadPoolExecutor(jobs) as pool:
        places = (paths[case, is_test] for is_test in (False, True) for case in cases)
        features = np.array(list(pool.map(_features_of_file, places)))
    reference, tested = out_of_fold(features.reshape(2, len(cases), -1))
    wins = np.sign(tested[:, np.newaxis] - reference) / 2 + 0.5
    who = f"A machine ({features.shape[1]} features, each case by learning from others)"
    return separation(who, wins)


def reader_separation(
    folder: Path, responses: Path, protocol: Protocol
) -> Separation | None:
    """Say how well readers told the methods; None where they were not asked.

    Args:
        folder: STUDY.
        responses: responses.csv of its unblinding.
        protocol: The study's, which names the question.

    Raises:
        FormatError: If the responses cannot be used.
    """
    question = protocol.analysis.get("turing_question") or ""
    if not question:
        return None
    found = read_responses(
        responses,
        read_questionnaire(folder / study.QUESTIONNAIRE),
        reference=protocol.reference,
        test=protocol.test,
    )
    shares = _called_synthetic(found.readings, question)
    names = (protocol.reference, protocol.test)
    cases = sorted({c for c, _ in shares if all((c, m) in shares for m in names)})
    if not cases:
        return None
    reference, tested = (np.array([shares[c, m] for c in cases]) for m in names)
    who = f"{len(found.readers)} readers ({question}, together)"
    return separation(who, 0.5 + (tested[:, np.newaxis] - reference) / 2)


def out_of_fold(features: _Floats) -> _Floats:
    """Return the scores of pictures, each learned from other cases.

    Args:
        features: `(2, cases, m)` of the reference and of the test method.

    Returns:
        `(2, cases)`, higher for the test method.
    """
    from sklearn.ensemble import GradientBoostingClassifier

    n_cases = features.shape[1]
    rng = np.random.default_rng(_SEED)
    folds = rng.permutation(np.arange(n_cases) % min(_FOLDS, n_cases))
    scores = np.zeros((2, n_cases))
    for fold in np.unique(folds):
        known = features[:, folds != fold]
        labels = np.repeat([0, 1], known.shape[1])
        model = GradientBoostingClassifier(
            n_estimators=50, max_depth=2, max_features="sqrt", random_state=_SEED
        ).fit(known.reshape(len(labels), -1), labels)
        for method in (0, 1):
            new = features[method, folds == fold]
            scores[method, folds == fold] = model.decision_function(new)
    return scores


def separation(who: str, wins: _Floats) -> Separation:
    """Return the AUC of all pairs of pictures, with a bootstrap of cases.

    A picture by each method belongs to every case, so cases are drawn, not pictures.
    Where every pair is judged right, or every pair wrong, resampling shows no spread;
    the limit is then the exact one of as many cases (Clopper and Pearson).

    Args:
        who: Whose judgements.
        wins: `(n, n)` chance that the test picture of the row's case is taken for the
            test method rather than the reference picture of the column's case.
    """
    n = len(wins)
    drawn = np.random.default_rng(_SEED).multinomial(n, np.full(n, 1 / n), _DRAWS)
    aucs = np.einsum("bi,ij,bj->b", drawn, wins, drawn, optimize=True) / n**2
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(aucs, [tail, 1 - tail])
    auc = float(wins.mean())
    exact = tail ** (1 / n)
    if auc == 1:
        low, high = exact, 1.0
    if auc == 0:
        low, high = 0.0, 1 - exact
    return Separation(who, auc, float(low), float(high), n)


def picture_features(pixels: png.Pixels) -> _Floats:
    """Return what histograms, texture and spectrum say of a picture.

    Args:
        pixels: `(height, width, 3)` RGB.
    """
    red, green, blue = (np.ascontiguousarray(pixels[..., c]) for c in range(3))
    brightness = np.maximum(np.maximum(red, green), blue)
    # 0 in greys, such as the NCCT
    colourful = brightness - np.minimum(np.minimum(red, green), blue)
    warmth = red // 2 + (255 - blue) // 2
    planes = (brightness, colourful, warmth)
    shown = colourful > 0
    histograms = [
        np.bincount(plane[shown] // (256 // _BINS), minlength=_BINS)
        / max(1, shown.sum())
        for plane in (red, green, blue, *planes)
    ]
    texture = [_texture(plane) for plane in planes]
    spectrum = [_spectrum(plane) for plane in planes]
    return np.concatenate([*histograms, *texture, *spectrum])


def _features_of_file(path: Path) -> _Floats:
    return picture_features(png.pixels_of(png.read_chunks(path.read_bytes())))


def _texture(plane: _Plane) -> _Floats:
    """Sum up the differences of neighbours, at several scales."""
    found: list[float] = []
    for _ in range(_SCALES):
        for one, other in ((plane[1:], plane[:-1]), (plane[:, 1:], plane[:, :-1])):
            size = np.maximum(one, other) - np.minimum(one, other)
            counts = np.bincount(size.ravel(), minlength=256)
            counts[0], flat = 0, counts[0]  # most are in the background
            rough = max(1, counts.sum())
            found += [flat / (flat + rough), float(counts @ np.arange(256) / rough)]
            below = np.cumsum(counts) / rough
            found += np.searchsorted(below, _QUANTILES).astype(float).tolist()
        plane = _halved(plane)
    return np.array(found)


def _halved(plane: _Plane) -> _Plane:
    height, width = (n // 2 * 2 for n in plane.shape)
    if min(height, width) < 4:
        return plane
    cut = plane[:height, :width].astype(np.uint16)
    total = cut[::2, ::2] + cut[1::2, ::2] + cut[::2, 1::2] + cut[1::2, 1::2]
    return np.asarray(total // 4, np.uint8)


def _spectrum(plane: _Plane) -> _Floats:
    """Return the log power in bands of frequency, from coarse to fine, of its tiles."""
    height, width = (min(_TILE, n) for n in plane.shape)
    down, across = plane.shape[0] // height, plane.shape[1] // width
    cut = plane[: down * height, : across * width].astype(np.float32)
    tiles = cut.reshape(down, height, across, width).swapaxes(1, 2)
    power = np.square(np.abs(rfft2(tiles))).mean(axis=(0, 1), dtype=np.float64)
    rows, columns = np.fft.fftfreq(height), np.fft.rfftfreq(width)
    radius = np.hypot(rows[:, np.newaxis], columns) / np.hypot(0.5, 0.5)
    band = np.minimum((radius * _BANDS).astype(int), _BANDS - 1).ravel()
    total = np.bincount(band, power.ravel(), _BANDS)
    return np.log10(total / np.maximum(1, np.bincount(band, minlength=_BANDS)) + 1e-12)


def _called_synthetic(
    readings: Sequence[Reading], question: str
) -> Mapping[tuple[str, str], float]:
    """Return the share of readers who call a picture synthetic, by case and method."""
    answers: dict[tuple[str, str], list[bool]] = {}
    for reading in readings:
        code = reading.answers.get(question)
        if code in (_REAL, _SYNTHETIC):
            called = answers.setdefault((reading.case, reading.method), [])
            called.append(code == _SYNTHETIC)
    return {picture: float(np.mean(called)) for picture, called in answers.items()}
