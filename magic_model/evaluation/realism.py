"""How real maps look: roughness, histograms, and whether a machine tells them apart.

An error says how near a map is to the measured one; a blurred map may have the least.
These figures stand beside it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from magic_model.data.split import Split
from magic_model.data.volume import FloatArray, Kind
from magic_model.evaluation import machine
from magic_model.evaluation import selection as evaluation_selection
from magic_model.evaluation.predictors import MEASURED
from magic_model.frames import to_frame
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.metrics import embedding, spectrum
from magic_model.metrics.method_agreement import Interval

if TYPE_CHECKING:
    import pandas as pd

    from magic_model.evaluation.boosting import Boosting

JOINTLY = "all maps"
"""Name of the test of all maps together."""

HALVES = "measured, two halves"
"""Control: every other measured patch against the others, which nothing tells apart."""

EXTREMES = ("measured, lowest", "measured, highest")
"""Power of the measured map of the patient with the least and the most of each band,
over the median patient's: what a map of anybody may have."""

_Images = Mapping[PerfusionMap, FloatArray]


@dataclass(frozen=True)
class MapRealism:
    """How real one map of one method looks.

    Attributes:
        method: Its name.
        name: The map; None for all together.
        power: `(4,)` generated over measured in each of `spectrum.BANDS`, the median of
            the patients; NaN for all maps together.
        histogram: Distance of values as a share of the range, mean of the patients.
        machine: Whether a forest tells it from the measured map.
        kernel: Kernel distance to the measured map (KID's formula) in the features of
            `embedding.NETWORK`, over all patches.
        frechet: Frechet distance (FID's formula) in the same.
    """

    method: str
    name: PerfusionMap | None
    power: NDArray[np.float64]
    histogram: float
    machine: machine.MachineAuc
    kernel: float = math.nan
    frechet: float = math.nan


@dataclass(frozen=True, eq=False)
class Realism:
    """How real the maps of methods look, in the patients of an evaluation.

    Attributes:
        rows: Of methods and maps, measured halves and extremes last.
        likeness: By method, and of the measured maps: how alike patches are to the most
            similar one of the training split.
        n_patients: Of them.
    """

    rows: Sequence[MapRealism]
    likeness: Mapping[str, float]
    n_patients: int

    def of(self, method: str, name: PerfusionMap | None) -> MapRealism:
        """Find a row.

        Raises:
            KeyError: If there is none.
        """
        for row in self.rows:
            if (row.method, row.name) == (method, name):
                return row
        raise KeyError(method, name)

    def to_frame(self) -> "pd.DataFrame":
        """Return a row for each method and map."""
        return to_frame(self.to_rows())

    def to_rows(self) -> Iterator[dict[str, Any]]:
        """Yield plain values of each row; None where undefined."""
        for row in self.rows:
            bands = zip(spectrum.BANDS, row.power.tolist(), strict=True)
            yield {
                "method": row.method,
                "map": str(row.name) if row.name else JOINTLY,
                **{f"power {low}-{high}": _plain(x) for (low, high), x in bands},
                "histogram": _plain(row.histogram),
                "machine_auc": _plain(row.machine.auc),
                "low": _plain(row.machine.interval.low),
                "high": _plain(row.machine.interval.high),
                "n_patches": row.machine.n_patches,
                "features": embedding.NETWORK,
                "kernel_distance": _plain(row.kernel),
                "frechet_distance": _plain(row.frechet),
            }

    def describe(self) -> str:
        """Write it as a table."""
        wide = max(len(row.method) for row in self.rows) + 2
        bands = "".join(f"{f'{low:g}-{high:g}':>9}" for low, high in spectrum.BANDS)
        lines = [
            f"Realism over {self.n_patients} patients: power of generated over "
            "measured maps by cycles per pixel",
            "(median), distance of histograms (share of the range), AUC of a forest "
            "that tells them apart (95 %)",
            f"KID and FD: kernel and Frechet distance in features {embedding.NETWORK}",
            f"{'map':9}{'method':{wide}}{bands}{'histogram':>11}{'KID':>9}{'FD':>8}"
            "  machine's AUC",
        ]
        for row in self.rows:
            title = MAP_SPECS[row.name].title if row.name else JOINTLY
            power = "".join(f"{_shown(x, 2):>9}" for x in row.power)
            told = row.machine
            auc = _shown(told.auc, 2)
            if not math.isnan(told.interval.low):
                auc += f" ({told.interval.low:.2f} to {told.interval.high:.2f})"
            histogram = f"{_shown(row.histogram, 3):>11}"
            apart = f"{_shown(row.kernel, 3):>9}{_shown(row.frechet, 1):>8}"
            lines.append(
                f"{title:9}{row.method:{wide}}{power}{histogram}{apart}  {auc}"
            )
        if self.likeness:
            alike = ", ".join(
                f"{method} {_shown(value, 2)}"
                for method, value in self.likeness.items()
            )
            lines.append(
                f"likeness to the nearest patch of the training split: {alike}"
            )
        return "\n".join(lines)


def measure_realism(
    selection: evaluation_selection.Selection,
    *,
    trees: "Boosting | None" = None,
    seed: int = 0,
) -> Realism:
    """Measure how real the maps of all methods look, beside the measured ones.

    Args:
        selection: What is compared.
        trees: Boosted trees to compare with too.
        seed: Of the forests.

    Raises:
        DataError: If an image cannot be read.
    """
    patches: dict[str, list[FloatArray]] = {}
    figures: dict[tuple[str, PerfusionMap], list[NDArray[np.float64]]] = {}
    powers: dict[PerfusionMap, list[NDArray[np.float64]]] = {}
    for pair in evaluation_selection.load_pairs(selection):
        mask = pair.reference.mask
        methods: dict[str, _Images] = {MEASURED: pair.reference.maps, **pair.generated}
        if trees is not None:
            methods["boosting"] = trees.predict(selection.measured, pair.patient)
        for method, images in methods.items():
            stacked = stack_shares(images, selection.maps)
            stacked *= mask[:, None]
            patches.setdefault(method, []).append(machine.cut_patches(stacked, mask))
            for channel, name in enumerate(selection.maps):
                found = _figures(
                    stacked[:, channel], pair.reference.maps[name], mask, name
                )
                figures.setdefault((method, name), []).append(found)
                if method == MEASURED:
                    power = spectrum.power_by_band(stacked[:, channel], mask)
                    powers.setdefault(name, []).append(power)
    rows = [
        *_rows(selection.maps, patches, figures, seed),
        *(row for name in selection.maps for row in _extremes(name, powers[name])),
    ]
    return Realism(rows, _likeness(selection, patches), len(patches[MEASURED]))


def stack_shares(images: _Images, maps: Sequence[PerfusionMap]) -> FloatArray:
    """Join maps to `(n, maps, rows, columns)`, each as a share of its range.

    Values beyond the range are cut off, as they are when shown.
    """
    scaled = []
    for name in maps:
        low, high = MAP_SPECS[name].value_range
        share = (np.asarray(images[name], np.float32) - low) / (high - low)
        scaled.append(share.clip(0, 1))
    return np.stack(scaled, axis=1)


def _figures(
    shown: FloatArray, measured: FloatArray, mask: NDArray[np.bool_], name: PerfusionMap
) -> NDArray[np.float64]:
    """Return `(5,)` of a map of a patient: four ratios of power, and the distance."""
    low, high = MAP_SPECS[name].value_range
    reference = ((measured - low) / (high - low)).clip(0, 1) * mask
    ratios = spectrum.power_ratios(shown, reference, mask)
    far = spectrum.histogram_distance(shown, reference, mask, (0, 1))
    return np.array([*ratios, far])


def _rows(
    maps: Sequence[PerfusionMap],
    patches: Mapping[str, Sequence[FloatArray]],
    figures: Mapping[tuple[str, PerfusionMap], Sequence[NDArray[np.float64]]],
    seed: int,
) -> Iterator[MapRealism]:
    features = {
        method: [machine.patch_features(part) for part in parts]
        for method, parts in patches.items()
    }
    width = features[MEASURED][0].shape[1] // len(maps)
    columns: dict[PerfusionMap | None, slice] = {
        name: slice(index * width, (index + 1) * width)
        for index, name in enumerate(maps)
    }
    columns[None] = slice(None)
    embedded = _embedded(patches)
    nothing = np.full(len(spectrum.BANDS), math.nan)
    for method in features:
        one, other = _kinds(features, method)
        title = HALVES if method == MEASURED else method
        for name, part in columns.items():
            told = machine.turing_test(
                [rows[:, part] for rows in one],
                [rows[:, part] for rows in other],
                seed=seed,
            )
            channel = None if name is None else list(maps).index(name)
            apart = _distances(embedded, method, channel)
            if name is None or method == MEASURED:
                yield MapRealism(title, name, nothing, math.nan, told, *apart)
                continue
            of_map = np.stack(figures[method, name])
            power, far = _median(of_map[:, :-1]), float(of_map[:, -1].mean())
            yield MapRealism(title, name, power, far, told, *apart)


def _extremes(
    name: PerfusionMap, powers: Sequence[NDArray[np.float64]]
) -> Iterator[MapRealism]:
    """Power of the measured maps of single patients over the median patient's."""
    known = np.stack(powers)
    known = known[~np.isnan(known).any(axis=1)]
    if not len(known):
        known = np.full((1, len(spectrum.BANDS)), math.nan)
    middle = np.median(known, axis=0)
    shares = np.divide(
        known, middle, out=np.full(known.shape, math.nan), where=middle > 0
    )
    nothing = machine.MachineAuc(math.nan, Interval(math.nan, math.nan), len(known), 0)
    for title, power in zip(EXTREMES, (shares.min(0), shares.max(0)), strict=True):
        yield MapRealism(title, name, power, math.nan, nothing)


def _embedded(
    patches: Mapping[str, Sequence[FloatArray]],
) -> dict[str, NDArray[np.float64]]:
    """Features `(patches, maps, features)` of each method, on the measured scale."""
    found = {}
    for method, parts in patches.items():
        stacked = np.concatenate(parts)
        rows = embedding.random_features(stacked.reshape(-1, *stacked.shape[2:]))
        found[method] = rows.reshape(*stacked.shape[:2], embedding.FEATURES)
    measured = found[MEASURED]
    if not len(measured):
        return found
    return {name: embedding.standardise(x, measured) for name, x in found.items()}


def _distances(
    embedded: Mapping[str, NDArray[np.float64]], method: str, channel: int | None
) -> tuple[float, float]:
    """Kernel and Frechet distance to the measured maps; of these, of two halves."""

    def rows(features: NDArray[np.float64]) -> NDArray[np.float64]:
        chosen = features if channel is None else features[:, channel]
        return chosen.reshape(len(features), -1)

    one, other = embedded[MEASURED], embedded[method]
    if method == MEASURED:
        one, other = machine.halves(other)
    pair = rows(one), rows(other)
    return embedding.kernel_distance(*pair), embedding.frechet_distance(*pair)


def _kinds(
    features: Mapping[str, Sequence[NDArray[np.float64]]], method: str
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """Return what the forest is to tell apart, by patient."""
    measured = list(features[MEASURED])
    if method != MEASURED:
        return measured, list(features[method])
    parts = [machine.halves(rows) for rows in measured]
    return [one for one, _ in parts], [other for _, other in parts]


def _likeness(
    selection: evaluation_selection.Selection,
    patches: Mapping[str, Sequence[FloatArray]],
) -> dict[str, float]:
    """How alike patches are to the training split's, whose patients are not asked."""
    from magic_model.evaluation.boosting import load_slices

    asked = {patient.patient_id for patient in selection.patients}
    needed = {Kind.NCCT, *map(Kind, selection.maps)}
    trained = [
        patient
        for patient in selection.measured.patients
        if patient.split is Split.TRAIN
        and patient.patient_id not in asked
        and needed <= set(patient.images)
    ]
    parts = []
    for patient in trained[:: max(1, math.ceil(len(trained) / _LIKENED))]:
        stack = load_slices(selection.measured, patient, selection.maps)
        stacked = stack_shares(stack.maps, selection.maps) * stack.mask[:, None]
        parts.append(machine.cut_patches(stacked, stack.mask))
    if not parts:
        return {}
    pool = np.concatenate(parts)
    return {
        method: machine.likeness(np.concatenate(part), pool)
        for method, part in patches.items()
    }


_LIKENED = 30  # patients of the training split; more are not searched for copies


def _median(ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median over patients of whom there are values; NaN if there is none."""
    known = ~np.isnan(ratios).all(axis=0)
    found = np.full(ratios.shape[1], math.nan)
    found[known] = np.nanmedian(ratios[:, known], axis=0)
    return found


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _shown(value: float, digits: int) -> str:
    return "n/a" if math.isnan(value) else f"{value:.{digits}f}"
