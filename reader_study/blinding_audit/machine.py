"""How well a machine tells the methods by the pictures alone, beside what readers did.

Gradient boosting on histograms, texture and spectrum of each picture, or volume; every
case is judged by what was learned from other cases. It is a report, not a limit: a
machine that tells the methods says that the pictures differ, readers say whether that
is seen.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft2
from scipy.stats import t as student

from reader_study.building import png, study, volumes
from reader_study.building.training_set import checked_picture
from reader_study.design.truth import Truth
from reader_study.formats.arms import Arms, read_arms
from reader_study.formats.manifest import Manifest, Panel, Presentation
from reader_study.formats.protocol import Protocol
from reader_study.formats.questionnaire import read_questionnaire
from reader_study.formats.responses import Reading, Responses, read_responses

_Floats = NDArray[np.float64]
_Plane = NDArray[np.uint8]

LEAST_CASES = 6
"""With fewer there is nothing to learn from."""

_TREES, _REPEATS, _FOLDS = 50, 6, 5
_SEED, _DRAWS, _LEVEL = 28, 2000, 0.95
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


def pairs_of(protocol: Protocol) -> list[tuple[str, str]]:
    """Return which methods are told apart: the reference and each other one."""
    return [(protocol.reference, other) for other in protocol.methods[1:]]


def machine_separation(
    folder: Path,
    manifest: Manifest,
    truth: Truth,
    methods: tuple[str, str],
    jobs: int = 2,
) -> Separation | None:
    """Learn to tell the methods, and say how well it went; None of too few cases.

    Args:
        folder: STUDY.
        manifest: Its manifest.
        truth: Content of its key.
        methods: Names of the reference and of the test method; cases that lack a
            picture of one of them are left out.
        jobs: Pictures at a time.
    """
    every = {m for cell in truth.cells.values() for m in cell.methods}
    shown: dict[tuple[str, str], tuple[Presentation, tuple[int, int]]] = {}
    for presentation in manifest.presentations:
        cell = truth.cells[presentation.token]
        shown |= {
            (cell.case, method): (presentation, (at, len(cell.methods)))
            for at, method in enumerate(cell.methods)
        }
    named = {case for case, _ in shown}
    cases = sorted(c for c in named if all((c, m) in shown for m in methods))
    if len(cases) < LEAST_CASES:
        return None

    def read(place: tuple[Presentation, tuple[int, int]]) -> _Floats:
        return _features_of_file(folder, manifest, *place)

    with ThreadPoolExecutor(jobs) as pool:
        wanted = [shown[case, method] for method in methods for case in cases]
        features = np.array(list(pool.map(read, wanted)))
    what = f"{features.shape[1]} features of each {_what(manifest)}"
    who = f"A machine ({what}, each case by learning from others)"
    who += _of_several(methods, len(every))
    return learned_separation(who, features.reshape(2, len(cases), -1))


def _what(manifest: Manifest) -> str:
    return "picture" if manifest.volumes is None else "volume"


def _of_several(methods: tuple[str, str], n: int) -> str:
    """Name the two methods where there are more."""
    return f", {methods[1]} from {methods[0]}" if n > 2 else ""


def reader_separations(
    folder: Path, responses: Path, protocol: Protocol
) -> list[Separation]:
    """Say how well readers told the methods; empty where they were not asked.

    Args:
        folder: STUDY.
        responses: responses.csv of its unblinding.
        protocol: The study's, which names the question.

    Raises:
        FormatError: If the responses cannot be used.
    """
    question = protocol.analysis.get("turing_question") or ""
    if not question:
        return []
    asked = read_questionnaire(folder / study.QUESTIONNAIRE)
    read: Arms | Responses = (
        read_responses(
            responses, asked, reference=protocol.reference, test=protocol.test
        )
        if len(protocol.methods) == 2
        else read_arms(responses, asked, protocol.methods)
    )
    shares = _called_synthetic(read.readings, question)
    found = []
    for names in pairs_of(protocol):
        cases = sorted({c for c, _ in shares if all((c, m) in shares for m in names)})
        if cases:
            reference, tested = (np.array([shares[c, m] for c in cases]) for m in names)
            who = f"{len(read.readers)} readers ({question}, together)"
            who += _of_several(names, len(protocol.methods))
            wins = 0.5 + (tested[:, np.newaxis] - reference) / 2
            found.append(separation(who, wins))
    return found


def learned_separation(who: str, features: _Floats) -> Separation:
    """Return how well pictures are told apart by learning from other cases.

    Cases are split into five parts, six times by chance. The AUC is the mean of those
    within each part, learned from the rest: scores of two machines are not compared.
    The parts share what they are learned from, so their variance is not divided by
    their number: by Nadeau and Bengio (Machine Learning 2003;52:239-281) it counts
    1 / 30 + 1 / 4 times, with Student's t of as many cases.

    Args:
        who: Whose judgements.
        features: `(2, cases, m)` of the reference and of the test method.
    """
    n = features.shape[1]
    n_parts = min(_FOLDS, n)
    rng = np.random.default_rng(_SEED)
    splits = [rng.permutation(np.arange(n) % n_parts) for _ in range(_REPEATS)]
    aucs = np.array([_auc_of(features, f == k) for f in splits for k in range(n_parts)])
    share = 1 / len(aucs) + 1 / (n_parts - 1)
    error = float(np.sqrt(share * aucs.var(ddof=1)))
    auc, tail = float(aucs.mean()), (1 - _LEVEL) / 2
    margin = float(student.ppf(1 - tail, n - 1)) * error
    # No more sure than where all of as many cases are judged right, or wrong.
    exact = tail ** (1 / n)
    low = max(0.0, min(auc - margin, exact))
    high = min(1.0, max(auc + margin, 1 - exact))
    return Separation(who, auc, low, high, n)


def _auc_of(features: _Floats, left_out: NDArray[np.bool_]) -> float:
    """Return the AUC of pictures of some cases, learned from the others."""
    from sklearn.ensemble import GradientBoostingClassifier

    known = features[:, ~left_out]
    labels = np.repeat([0, 1], known.shape[1])
    model = GradientBoostingClassifier(
        n_estimators=_TREES,
        max_depth=2,
        max_features="sqrt",
        random_state=_SEED,
    ).fit(known.reshape(len(labels), -1), labels)
    reference, tested = (model.decision_function(one[left_out]) for one in features)
    return float((np.sign(tested[:, np.newaxis] - reference) / 2 + 0.5).mean())


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


def volume_features(images: Sequence[NDArray[np.uint8]]) -> _Floats:
    """Return what histograms, texture and spectrum say of the panels of a stack.

    Args:
        images: `(slices, rows, columns)` grey levels of each panel.
    """
    found = []
    for image in images:
        plane = image.reshape(-1, image.shape[-1])  # one slice below another
        counts = np.bincount(plane[plane > 0] // (256 // _BINS), minlength=_BINS)
        steps = np.abs(np.diff(image.astype(np.int16), axis=0))
        above = np.quantile(steps, _QUANTILES) if steps.size else np.zeros(4)
        found += [counts / max(1, counts.sum()), _texture(plane), _spectrum(plane)]
        found += [above, [steps.mean() if steps.size else 0.0]]
    return np.concatenate(found)


def _features_of_file(
    folder: Path, manifest: Manifest, presentation: Presentation, part: tuple[int, int]
) -> _Floats:
    """Return the features of a picture, or of one part of so many side by side."""
    layout = manifest.volumes
    if layout is None:
        path = folder / study.IMAGES / presentation.image
        pixels = png.pixels_of(png.read_chunks(path.read_bytes()))
        at, n = part
        return picture_features(np.split(pixels, n, axis=1)[at])
    file = layout.files[presentation.pseudo_id]
    content = checked_picture(folder / study.VOLUMES / file.volume, file.sha256)
    images = volumes.decode(content, layout).images
    levels = [_as_shown(i, p) for i, p in zip(images, layout.panels, strict=True)]
    return volume_features(levels)


def _as_shown(image: NDArray[np.generic], panel: Panel) -> NDArray[np.uint8]:
    """Return the grey levels of a panel; those of HU in the window at first."""
    if image.dtype == np.uint8:
        return image.astype(np.uint8)
    share = (image.astype(np.float64) - panel.low) / (panel.high - panel.low)
    return np.asarray(np.rint(255 * np.clip(share, 0, 1)), np.uint8)


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
