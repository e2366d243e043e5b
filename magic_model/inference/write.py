"""The folder of generated maps, patient by patient, taken up again where it stopped."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from magic_model.archives.door import files_mark
from magic_model.data.cohort import Patient
from magic_model.data.lesion import Lesion, find_lesion
from magic_model.data.nifti import write_nifti
from magic_model.data.normalise import scale_hounsfield, unscale_map
from magic_model.data.slices import SliceStack
from magic_model.data.split import Split
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError, SeverityUnknownError
from magic_model.inference.prepare import Source
from magic_model.maps import PerfusionMap
from magic_model.severity import mismatch_ratio, severity_class

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from magic_model.inference.opened import Backend

REVISION = 3
"""Raised whenever the same input gives other maps, so that old ones are remade."""

FILE = "generated.json"
"""Written last into a patient's folder: what was asked for and what came."""

RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0)

_THIN = 2.0  # mm; thicker slices have no finer resolution to show
_DPI = 150

_WRITTEN = (*(Kind(name.value) for name in PerfusionMap), Kind.BRAIN_MASK)

Maps = Mapping[PerfusionMap, Volume]


@dataclass(frozen=True)
class LesionVolumes:
    """Volumes of core and tissue at risk in generated maps.

    Attributes:
        volumes: `core_ml` and `penumbra_ml`; None where the maps do not tell.
        notes: Why they do not.
    """

    volumes: Mapping[str, float] | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class GenerationRecord:
    """Record of a patient's maps: what they follow from, and what else was written.

    Attributes:
        fingerprint: Of all that the maps follow from.
        notes: What was unusual about the NCCT, and what was done.
        extras: Files in the patient's folder beside the NIfTI images.
        lesion: What the maps show; looked for if left out.
        texture: What texture was drawn, and by which seed; None if none was.
    """

    fingerprint: str
    notes: Sequence[str] = ()
    extras: Sequence[Path] = ()
    lesion: "LesionVolumes | None" = None
    texture: Mapping[str, str | int] | None = None


@dataclass(frozen=True)
class GeneratedPatient:
    """A patient whose maps are there.

    Attributes:
        patient: Its row of generated.csv.
        notes: What was unusual about its NCCT, and what was done.
    """

    patient: Patient
    notes: tuple[str, ...]


def fingerprint_of(source: Source, settings: Mapping[str, Any]) -> str:
    """Fingerprint of all that a patient's maps follow from."""
    files = source.entry.mark() if source.entry else files_mark(source.files)
    known = [REVISION, source.patient_id, files, settings]
    text = json.dumps(known, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def require_apart(sources: Sequence[Source], out: Path) -> None:
    """Refuse a folder in which generated maps would replace what they are made from.

    Raises:
        DataError: If it is no folder, or a file of a patient would be written over.
    """
    if out.exists() and not out.is_dir():
        msg = f"{out}: must be a folder"
        raise DataError(msg)
    for source in sources:
        read = {file.resolve() for file in source.files}
        for kind in _WRITTEN:
            path = out / _image(source, kind)
            if path.resolve() in read:
                msg = f"{path}: is an image of the input; write to another folder"
                raise DataError(msg)


def load_if_current(
    source: Source, out: Path, fingerprint: str
) -> GeneratedPatient | None:
    """Return a patient whose maps are there already, made in the same way."""
    place = out / source.patient_id
    try:
        record = json.loads((place / FILE).read_text(encoding="utf-8"))
        if record["fingerprint"] != fingerprint:
            return None
        images = {Kind(kind): Path(path) for kind, path in record["images"].items()}
        if not all((place / name).is_file() for name in record["files"]):
            return None
        return GeneratedPatient(
            _row(source, images, record["lesion"]), tuple(record["notes"])
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # not there, or not as it was written


def remove_outdated(source: Source, out: Path) -> None:
    """Take away what an earlier run made of a patient, so that nothing of it is left.

    Raises:
        DataError: If a file cannot be removed.
    """
    place = out / source.patient_id
    try:
        record = json.loads((place / FILE).read_text(encoding="utf-8"))
        files = [_inside(place, name) for name in record["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        files = []
    files += place.glob(".[0-9]*-*.nii.gz")  # what a killed process was writing
    try:
        for path in [*files, place / FILE]:  # which names them, so it goes last
            path.unlink(missing_ok=True)
            if path.parent != place and not any(path.parent.iterdir()):
                path.parent.rmdir()
    except OSError as error:
        msg = f"{place}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error


def write_patient(
    source: Source, out: Path, maps: Maps, mask: Volume, record: GenerationRecord
) -> GeneratedPatient:
    """Write a patient's maps, their mask, and last what they were made from.

    Raises:
        DataError: If a file cannot be written.
    """
    place = out / source.patient_id
    images: dict[Kind, Path] = {}
    volumes = {Kind(name.value): volume for name, volume in maps.items()}
    for kind, volume in (volumes | {Kind.BRAIN_MASK: mask}).items():
        images[kind] = _image(source, kind)
        write_nifti(volume, out / images[kind])
    found = record.lesion or lesion_volumes(maps, mask)
    lesion, notes = found.volumes, (*record.notes, *found.notes)
    content = {
        "fingerprint": record.fingerprint,
        "images": {str(kind): path.as_posix() for kind, path in images.items()},
        "files": [
            *(path.name for path in images.values()),
            *(path.relative_to(place).as_posix() for path in record.extras),
        ],
        "lesion": lesion and dict(lesion),
        "notes": list(notes),
        **({"texture": dict(record.texture)} if record.texture else {}),
    }
    staged = place / f".{FILE}"
    try:
        staged.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        staged.replace(place / FILE)
    except OSError as error:
        msg = f"{place / FILE}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error
    return GeneratedPatient(_row(source, images, lesion), notes)


def lesion_volumes(maps: Maps, mask: Volume) -> LesionVolumes:
    """Measure core and tissue at risk as generated maps show them, or say why not."""
    try:
        lesion: Lesion = find_lesion(maps, mask)
    except SeverityUnknownError as error:
        return LesionVolumes(None, (f"severity is not known ({error})",))
    except DataError:  # maps without CBF, or without TTP and Tmax, show none
        return LesionVolumes(None)
    return LesionVolumes({"core_ml": lesion.core_ml, "penumbra_ml": lesion.penumbra_ml})


def draw_pictures(
    stack: SliceStack,
    maps: Mapping[PerfusionMap, Volume],
    backend: "Backend",
    out: Path,
) -> list[Path]:
    """Draw the first map at five ratios, and at 8 mm beside its own slices.

    Returns:
        The pictures.
    """
    from magic_model.figures.pilo_figure import pilo_figure
    from magic_model.figures.resolution_figure import resolution_figure, to_thick_slices

    out.mkdir(parents=True, exist_ok=True)
    name = next(iter(maps))
    fullest = int(stack.mask.sum((1, 2)).argmax())
    by_ratio = {}
    for ratio in RATIOS:
        ncct = scale_hounsfield(stack.ncct[fullest : fullest + 1])
        made = backend.predict(ncct, ratio)[0, list(backend.maps).index(name)]
        by_ratio[ratio] = unscale_map(made, name, backend.ranges[name])
    figure = pilo_figure(stack.ncct[fullest, 1], by_ratio, name, stack.mask[fullest])
    drawn = [_save(figure, out / "ratios.png")]
    volume = maps[name]
    even = bool((np.diff(stack.positions) == 1).all())
    if even and volume.spacing[2] <= _THIN:
        thick = to_thick_slices(volume)
        figure = resolution_figure(thick, volume, thick_name="Generated, averaged")
        drawn.append(_save(figure, out / "resolution.png"))
    return drawn


def _inside(place: Path, name: str) -> Path:
    """Return a file of a patient's folder; never one outside it."""
    parts = [part for part in Path(name).parts if part not in ("..", "/")]
    return place.joinpath(*parts[-2:])


def _image(source: Source, kind: Kind) -> Path:
    return Path(source.patient_id) / f"{kind}.nii.gz"


def _row(
    source: Source, images: Mapping[Kind, Path], lesion: Mapping[str, float] | None
) -> Patient:
    nan = float("nan")
    core, at_risk = (lesion["core_ml"], lesion["penumbra_ml"]) if lesion else (nan, nan)
    ratio = mismatch_ratio(core, at_risk) if lesion else nan
    return Patient(
        patient_id=source.patient_id,
        split=source.patient.split if source.patient else Split.TEST,
        severity=severity_class(ratio) if lesion else None,
        core_ml=core,
        penumbra_ml=at_risk,
        mismatch_ratio=ratio,
        images=images,
    )


def _save(figure: "Figure", path: Path) -> Path:
    staged = path.with_name(f".{path.name}")
    figure.savefig(staged, dpi=_DPI, format="png", facecolor=figure.get_facecolor())
    staged.replace(path)
    return path
