"""Volumes in the audit: what must be equal in all containers, and what may tell."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reader_study.blinding_audit import permutation
from reader_study.blinding_audit.findings import Check, Cue
from reader_study.building import study
from reader_study.building import volumes as sealed
from reader_study.building.training_set import checked_picture
from reader_study.design.truth import TruthCell
from reader_study.errors import StudyError
from reader_study.formats.manifest import Manifest, VolumeFile, Volumes
from reader_study.formats.protocol import PictureCue

_NAME = re.compile(r"[0-9a-f]{32}\.bin")


def volume_checks(folder: Path, manifest: Manifest) -> tuple[Check, ...]:
    """Compare all containers of a study; none in a study of montages.

    Args:
        folder: STUDY.
        manifest: Its manifest.
    """
    layout = manifest.volumes
    if layout is None:
        return ()
    place, files = folder / study.VOLUMES, layout.files.values()
    known = {file.volume for file in files}
    extra = [
        f"{path.name} is no volume of the study"
        for path in sorted(place.iterdir())
        if path.name not in known or not _NAME.fullmatch(path.name)
    ]
    wanted = sealed.container_length(layout)
    bad, heads, stats, ends = [], {}, {}, Counter[bytes]()
    for file in files:
        try:
            content = checked_picture(place / file.volume, file.sha256)
        except StudyError as error:
            bad.append(str(error))
            continue
        if len(content) != wanted or file.length != wanted:
            bad.append(f"{file.volume} must have {wanted} bytes, got {len(content)}")
        heads[file.volume] = content[: sealed.AFFINE]
        ends[content[-sealed.SEAL :]] += 1
        status = (place / file.volume).stat()
        stats[file.volume] = (status.st_mtime_ns, status.st_mode)
    linked = sum(n for n in ends.values() if n > 1)
    return (
        Check("files in volumes", tuple(extra)),
        Check("volume bytes, length and header", tuple(bad)),
        Check("volume affine", tuple(_odd(heads, "an affine of its own"))),
        Check("volume times", tuple(_odd(stats, "a time or permissions of its own"))),
        Check(
            "repeated volume bytes",
            (f"{linked} volumes end alike, so that their trials link",)
            if linked
            else (),
        ),
    )


def volume_cues(
    folder: Path,
    manifest: Manifest,
    cells: Mapping[str, TruthCell],
    test: str,
    rng: np.random.Generator,
) -> Iterator[Cue]:
    """Hold histograms and spectra of the slices against the methods.

    Each case and method counts once. They are part of what readers judge: what sorts
    the methods nearly by itself is refused unless the protocol accepts it.

    Args:
        folder: STUDY.
        manifest: Its manifest.
        cells: What is behind each token.
        test: Name of the test method.
        rng: Source of chance.
    """
    layout = manifest.volumes
    if layout is None:
        return
    found: dict[tuple[str, str], list[float]] = {}
    for p in manifest.presentations:
        cell = cells[p.token]
        if (cell.case, cell.method) not in found:
            file = layout.files[p.pseudo_id]
            found[cell.case, cell.method] = _measured(folder, file, layout)
    is_test = np.array([method == test for _, method in found])
    values = np.array(list(found.values()))
    names = [f"{name} of {p.name}" for p in layout.panels for name in _MEASURES]
    for name, column in zip(names, values.T, strict=True):
        one = permutation.auc_association(np.round(column, 9), is_test, rng)
        found_p = (one.p_value, one.how, one.least_p)
        yield Cue(name, "picture", "AUC", one.value, *found_p)


def _odd(values: Mapping[str, object], what: str) -> Iterator[str]:
    """Yield the files that differ from most."""
    usual = Counter(values.values()).most_common(1)
    for name, value in values.items():
        if value != usual[0][0]:
            yield f"{name} has {what}"


Numbers = NDArray[np.float64]


def _levels(image: Numbers) -> float:
    return float(len(np.unique(image)))


def _empty(image: Numbers) -> float:
    return float((image == image.min()).mean())


def _mean(image: Numbers) -> float:
    return float(image.mean())


def _fine(image: Numbers) -> float:
    """Return the share of the slices' spectrum above half the highest frequency."""
    power = np.abs(np.fft.rfft2(image - image.mean((1, 2), keepdims=True))) ** 2
    y = np.fft.fftfreq(image.shape[1])[:, np.newaxis]
    x = np.fft.rfftfreq(image.shape[2])
    high = np.hypot(y, x) > 0.25
    total = float(power.sum())
    return float(power[:, high].sum()) / total if total else 0.0


def _rough(image: Numbers) -> float:
    """Return the mean step between neighbouring slices."""
    return float(np.abs(np.diff(image, axis=0)).mean()) if len(image) > 1 else 0.0


_MEASURES: dict[PictureCue, Callable[[Numbers], float]] = {
    "volume levels": _levels,
    "volume empty share": _empty,
    "volume mean": _mean,
    "volume fine detail": _fine,
    "volume step between slices": _rough,
}


def _measured(folder: Path, file: VolumeFile, layout: Volumes) -> list[float]:
    content = checked_picture(folder / study.VOLUMES / file.volume, file.sha256)
    images = sealed.decode(content, layout).images
    arrays = [image.astype(np.float64) for image in images]
    return [measure(array) for array in arrays for measure in _MEASURES.values()]
