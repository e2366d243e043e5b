"""Maps from an NCCT by a trained generator: of slices, of one patient, of many."""

import hashlib
import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from magic_model import batch
from magic_model.data.cohort import GENERATED_FILE, add_to_cohort, write_cohort
from magic_model.data.ncct_values import ncct_findings, require_hounsfield
from magic_model.data.normalise import Range, scale_hounsfield, unscale_map
from magic_model.data.sampling import Sampling
from magic_model.data.slices import SliceStack
from magic_model.data.straight import straighten
from magic_model.data.unmeasured import measured_only
from magic_model.data.volume import Affine, FloatArray, Kind, Volume
from magic_model.errors import DataError, as_path, pluralize, require_whole
from magic_model.frames import to_frame
from magic_model.inference import write as inference_write
from magic_model.inference.prepare import Source, preparation_notes
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.output import file_digest, require_writable
from magic_model.ratio import Ratio, shares
from magic_model.texture import NOTICE, SAMPLED, TextureModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import torch

    from magic_model.distributed import World

Progress = Callable[[int, int], None]
"""Called with slices done and all slices of a patient."""

_DICOM_REVISION = 2
"""Raised whenever the same maps give other DICOM objects, so that those are remade."""


class Backend(Protocol):
    """Generates maps of slices of one size, whichever library computes them."""

    @property
    def maps(self) -> Sequence[PerfusionMap]:
        """Maps in channel order."""

    @property
    def ranges(self) -> "Mapping[PerfusionMap, Range]":
        """Values of each map that -1 and 1 stand for."""

    @property
    def size(self) -> int:
        """Pixels along each side of a slice."""

    @property
    def recipe_name(self) -> str:
        """Name of the recipe that was trained."""

    @property
    def sampling(self) -> Sampling | None:
        """Millimetres that it was trained with; None where version 0.1 trained it."""

    @property
    def texture(self) -> TextureModel | None:
        """What texture it learnt; None where its recipe asks for none."""

    def predict(self, ncct: FloatArray, ratio: Ratio = 1.0) -> FloatArray:
        """Generate `(n, maps, size, size)` from `(n, 3, size, size)`, in [-1, 1].

        Raises:
            DataError: If a ratio is not positive.
        """


@dataclass(frozen=True)
class OpenedModel:
    """A model that is ready to generate.

    Attributes:
        path: Its file.
        backend: What computes.
        digest: sha256 of the file.
        device: Of other processes that it is sent to: auto, cpu or cuda.
    """

    path: Path
    backend: Backend
    digest: str
    device: str = "cpu"

    def __reduce__(self) -> "tuple[Any, ...]":
        """Send the name of the file to another process, not the weights."""
        return _reopen, (self.path.resolve(), self.device, self.digest)


@lru_cache(maxsize=2)
def _reopen(path: Path, device: str, digest: str) -> OpenedModel:
    """Open in another process, once, what one has opened.

    Raises:
        DataError: If the file is not there, or another one.
    """
    place = None
    if path.suffix != ".onnx":
        from magic_model.distributed import choose_device

        place = choose_device(device)
    model = replace(open_model(path, place), device=device)
    if model.digest != digest:
        msg = f"{path}: must be the same file for all processes, got another one"
        raise DataError(msg)
    return model


def open_model(path: Path, device: "torch.device | None" = None) -> OpenedModel:
    """Open a checkpoint, the folder of a run, or an ONNX model.

    Args:
        path: The file, or a folder, of which the best checkpoint is taken, else the
            last one.
        device: Where a checkpoint runs, the CPU if left out; ONNX runs on the CPU.

    Raises:
        DataError: If there is none, or it cannot be used.
    """
    if path.suffix == ".onnx" and not path.is_dir():
        from magic_model.inference.onnx import OnnxBackend

        return OpenedModel(path, OnnxBackend(path), file_digest(path))
    import torch

    from magic_model.checkpoint import checkpoint_of
    from magic_model.inference.model import TorchBackend

    file = checkpoint_of(path)
    backend = TorchBackend(file, device or torch.device("cpu"))
    return OpenedModel(file, backend, file_digest(file))


def generate_slices(
    stack: SliceStack,
    backend: Backend,
    *,
    ratio: Ratio = 1.0,
    batch_size: int = 4,
    progress: Progress | None = None,
) -> dict[PerfusionMap, FloatArray]:
    """Generate maps of every slice.

    Args:
        stack: Slices of an NCCT.
        backend: What generates.
        ratio: Perfusion information ratio; 1 is the output as trained.
        batch_size: Slices computed at a time; it does not change the result.
        progress: Called with slices done and all slices.

    Returns:
        `(n, size, size)` each, in its unit; 0 outside the mask of the stack.

    Raises:
        DataError: If slices are not of the backend's size or a ratio is not positive.
    """
    n_slices, size = stack.mask.shape[:2]
    if size != backend.size:
        msg = f"Slices must be {backend.size} pixels wide, got {size}"
        raise DataError(msg)
    maps = {name: np.zeros(stack.mask.shape, np.float32) for name in backend.maps}
    for start in range(0, n_slices, batch_size):
        part = slice(start, min(start + batch_size, n_slices))
        made = backend.predict(scale_hounsfield(stack.ncct[part]), ratio)
        for channel, name in enumerate(backend.maps):
            in_units = unscale_map(made[:, channel], name, backend.ranges[name])
            maps[name][part] = in_units * stack.mask[part]
        if progress is not None:
            progress(part.stop, n_slices)
    return maps


def as_volumes(
    stack: SliceStack, maps: dict[PerfusionMap, FloatArray]
) -> dict[PerfusionMap, Volume]:
    """Put maps back in space."""
    return {
        name: stack.to_volume(images, Kind(name.value)) for name, images in maps.items()
    }


@dataclass(frozen=True)
class GenerationSettings:
    """How maps are generated and what is written.

    Attributes:
        ratio: Perfusion information ratio; 1 is the output as trained.
        spacing_mm: Distance of slices; that of the NCCT if None. Implies `every`.
        every: Take every slice of the NCCT even where there are measured maps.
        batch_size: Slices computed at a time; it does not change the maps.
        dicom: Write DICOM objects too.
        pictures: Draw the maps at several ratios, and their resolution, too.
        texture: Draw texture onto the maps of a network that learnt it.
        seed: Of the texture.
        bids: Write all patients as a BIDS data set of derivatives too.
    """

    ratio: float = 1.0
    spacing_mm: float | None = None
    every: bool = False
    batch_size: int = 4
    dicom: bool = False
    pictures: bool = False
    texture: bool = True
    seed: int = 1
    bids: bool = False

    def __post_init__(self) -> None:
        shares(self.ratio)  # refuses one that is not positive before any work
        require_whole(self.batch_size, "batch_size", 1)
        require_whole(self.seed, "seed")


@dataclass(frozen=True, eq=False)
class GeneratedMaps:
    """Perfusion maps of one patient, in the units of `magic_model.MAP_SPECS`.

    `maps["CBF"]` is an array `(x, y, z)`, 0 outside the brain; names are those of
    `PerfusionMap` in any case. Research use only.

    Attributes:
        patient_id: Study-local name.
        volumes: The maps with their place in space.
        mask: Brain on the same grid, 0 or 1.
        notes: What was unusual about the NCCT, and what was done.
        source: What the maps were generated from.
        stack: The slices that the model saw.
        generation: Model and settings.
        ncct_digest: sha256 of the values of the NCCT, which DICOM UIDs follow from.
    """

    patient_id: str
    volumes: "Mapping[PerfusionMap, Volume]"
    mask: Volume
    notes: Sequence[str]
    source: Source = field(repr=False)
    stack: SliceStack = field(repr=False)
    generation: "Generation" = field(repr=False)
    ncct_digest: bytes = field(default=b"", repr=False)

    def __getitem__(self, name: PerfusionMap | str) -> FloatArray:
        return self.volume(name).array

    def __iter__(self) -> Iterator[PerfusionMap]:
        return iter(self.volumes)

    def __len__(self) -> int:
        return len(self.volumes)

    def __contains__(self, name: object) -> bool:
        return str(name).lower() in set(self.volumes)

    def keys(self) -> list[PerfusionMap]:
        """Return the names of the maps, in channel order."""
        return list(self.volumes)

    def volume(self, name: PerfusionMap | str) -> Volume:
        """Return a map with its affine, unit and kind.

        Raises:
            DataError: If the model does not generate it.
        """
        if name not in self:
            msg = f"Maps must be among {self._titles}, got {name!r}"
            raise DataError(msg)
        return self.volumes[PerfusionMap(str(name).lower())]

    @property
    def affine(self) -> Affine:
        """`(4, 4)` from voxel indices to mm in RAS+, of all maps."""
        return self.mask.affine

    @property
    def units(self) -> dict[PerfusionMap, str]:
        """Unit of each map."""
        return {name: MAP_SPECS[name].unit for name in self.volumes}

    @property
    def _titles(self) -> str:
        return ", ".join(MAP_SPECS[name].title for name in self.volumes)

    def save(
        self, folder: str | Path, *, dicom: bool = False, pictures: bool = False
    ) -> Path:
        """Write what `magic-model generate` writes: NIfTI files and generated.csv.

        Args:
            folder: A folder of generated maps; other patients in it are kept.
            dicom: Write DICOM objects too: maps, pictures and a report.
            pictures: Draw the maps at several ratios, and their resolution, too.

        Returns:
            The patient's folder in it.

        Raises:
            DataError: If a file cannot be written, or would replace the NCCT.
        """
        out = as_path(folder)
        inference_write.require_apart([self.source], out)
        settings = replace(self.generation.settings, dicom=dicom, pictures=pictures)
        made = replace(self.generation, settings=settings).write(self, out)
        add_to_cohort(out, made.patient, GENERATED_FILE)
        return out / self.patient_id

    def to_frame(self) -> "pd.DataFrame":
        """Return mean, spread and range of each map in the brain, a row per map."""
        inside = self.mask.array > 0
        return to_frame(
            {
                "map": MAP_SPECS[name].title,
                "unit": volume.unit,
                "mean": float(volume.array[inside].mean(dtype=np.float64)),
                "sd": float(volume.array[inside].std(dtype=np.float64)),
                "min": float(volume.array[inside].min()),
                "max": float(volume.array[inside].max()),
                "voxels": int(inside.sum()),
            }
            for name, volume in self.volumes.items()
        ).set_index("map")

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.mask.shape))
        spacing = " x ".join(f"{mm:.3g}" for mm in self.mask.spacing)
        return (
            f"GeneratedMaps({self.patient_id!r}: {self._titles}; "
            f"{shape} voxels of {spacing} mm)"
        )

    def _repr_html_(self) -> str:
        table = self.to_frame().to_html(float_format="{:.3g}".format)
        return f"{table}<p>{html.escape(repr(self))}. Research use only.</p>"


@dataclass(frozen=True)
class Generated:
    """Result of a run.

    Attributes:
        patients: Those whose maps are there, also from other parts or runs.
        outcome: What is missing.
    """

    patients: tuple[inference_write.GeneratedPatient, ...]
    outcome: batch.Outcome


@dataclass(frozen=True)
class Generation:
    """A model and how it is used, for one patient after another.

    Raises:
        DataError: If texture would get into objects that leave the study.
    """

    model: OpenedModel
    settings: GenerationSettings = GenerationSettings()

    def __post_init__(self) -> None:
        asked = [n for n in ("dicom", "bids") if getattr(self.settings, n)]
        if asked and self._texture is not None:
            msg = (
                f"--{asked[0]} must be given with --no-texture: {SAMPLED} is {NOTICE}, "
                "and such files travel further than what is said of them"
            )
            raise DataError(msg)

    def run(
        self,
        sources: Sequence[Source],
        out: Path,
        world: "World | None" = None,
        progress: Progress | None = None,
        archive: batch.Archive | None = None,
    ) -> Generated:
        """Generate the maps of patients into a folder, and write its generated.csv.

        Patients whose maps are current are not generated again. Of several processes
        each takes its part; the table is written when every patient was tried, by the
        first process of a group, and by the part that ends last.

        Args:
            sources: All patients, of every part.
            out: The folder.
            world: This process among all; alone if left out.
            progress: Called with slices done and all slices of a patient.
            archive: Which part is taken, and whether failures stop it.

        Returns:
            All patients; nothing on other processes than the first.

        Raises:
            DataError: If an image cannot be used, a file cannot be written, or another
                process failed.
        """
        asked = archive or batch.Archive()
        inference_write.require_apart(sources, out)
        require_writable(out)
        rank, size = (world.rank, world.size) if world else (0, 1)
        # A bar cannot be sent to a worker: of slices here, else of patients.
        here, there = (None, progress) if asked.scheduler else (progress, None)
        tasks = [self._task(source, out, here) for source in sources]
        replace(asked, part=asked.part.share(rank, size)).run(tasks, out, there)
        if world is not None:
            from magic_model.distributed import wait_for_all

            wait_for_all(world)
        if rank:
            return Generated((), batch.Outcome())
        outcome = batch.survey(tasks, out)
        if outcome.pending and asked.part.of == 1:
            missing = pluralize(len(outcome.pending), "patient")
            msg = f"{out}: maps of {missing} are missing"
            raise DataError(msg)
        return self._collect(sources, out, outcome)

    def _task(self, source: Source, out: Path, progress: Progress | None) -> batch.Task:
        def work() -> None:
            try:
                with source.opened() as here:
                    self.write(self.compute(here, progress), out)
            except Exception:
                inference_write.remove_outdated(source, out)
                raise

        return batch.Task(
            source.patient_id,
            fingerprint=lambda: self.fingerprint(source),
            is_done=lambda: self._current(source, out) is not None,
            work=work,
        )

    def _current(
        self, source: Source, out: Path
    ) -> inference_write.GeneratedPatient | None:
        return inference_write.load_if_current(source, out, self.fingerprint(source))

    def compute(
        self, source: Source, progress: Progress | None = None
    ) -> GeneratedMaps:
        """Generate the maps of one patient.

        Raises:
            DataError: If the NCCT cannot be read or used.
        """
        settings, backend = self.settings, self.model.backend
        ncct = self._load(source)
        sampling = backend.sampling
        stack = source.slices(
            ncct,
            backend.size,
            settings.spacing_mm,
            every=settings.every,
            sampling=sampling,
        )
        images = generate_slices(
            stack,
            backend,
            ratio=settings.ratio,
            batch_size=settings.batch_size,
            progress=progress,
        )
        texture = self._texture
        if texture is not None:
            images = texture.add(stack, images, settings.seed)
        mask = stack.to_volume(stack.mask.astype("float32"), Kind.BRAIN_MASK)
        found = ncct_findings(ncct, mask, mask_given=True)
        return GeneratedMaps(
            patient_id=source.patient_id,
            volumes=as_volumes(stack, images),
            mask=mask,
            notes=(
                *source.notes,
                *preparation_notes(ncct, sampling),
                *(stack.notes if sampling else (_unknown_pixels(stack),)),
                *found,
                *([_texture_note(settings.seed)] if texture else []),
            ),
            source=source,
            stack=stack,
            generation=self,
            ncct_digest=hashlib.sha256(ncct.array.tobytes()).digest(),
        )

    @property
    def _texture(self) -> TextureModel | None:
        """What texture is drawn."""
        return self.model.backend.texture if self.settings.texture else None

    def _load(self, source: Source) -> Volume:
        """Read an NCCT, whose values must be HU; straighten one that is sheared."""
        ncct = source.load()
        try:
            return require_hounsfield(measured_only(straighten(ncct)))
        except DataError as error:
            msg = f"{source.patient_id}: {error}"
            raise DataError(msg) from error

    def write(self, maps: GeneratedMaps, out: Path) -> inference_write.GeneratedPatient:
        """Write a patient's maps and what was asked for beside them."""
        source, place = maps.source, out / maps.patient_id
        inference_write.remove_outdated(source, out)  # not complete while files change
        extras: list[Path] = []
        lesion = inference_write.lesion_volumes(maps.volumes, maps.mask)
        if self.settings.dicom:
            extras += self._write_dicom(maps, place, lesion.volumes)
        if self.settings.pictures:
            backend = self.model.backend
            extras += inference_write.draw_pictures(
                maps.stack, maps.volumes, backend, place
            )
        record = inference_write.GenerationRecord(
            self.fingerprint(source),
            maps.notes,
            extras,
            lesion,
            _texture_record(self.settings.seed) if self._texture else None,
        )
        return inference_write.write_patient(
            source, out, maps.volumes, maps.mask, record
        )

    def _write_dicom(
        self, maps: GeneratedMaps, place: Path, lesion: "Mapping[str, float] | None"
    ) -> list[Path]:
        from magic_model.data.dicom import study as dicom_study
        from magic_model.derivatives.dicom_objects import write_dicom

        study = dicom_study.StudyContext(
            maps.patient_id,
            dicom_study.source_secret(maps.patient_id, maps.ncct_digest),
            method=self._method(maps, dicom_study.SOFTWARE_VERSION),
            is_synthetic=True,
        )
        return write_dicom(maps.source, maps.volumes, place, study, lesion)

    def _method(self, maps: GeneratedMaps, version: str) -> str:
        """Say what objects follow from; the same UIDs always mean the same values."""
        asked = self.settings
        values = hashlib.sha256()
        for volume in maps.volumes.values():
            values.update(volume.array.tobytes())
        return repr(
            (
                version,
                inference_write.REVISION,
                _DICOM_REVISION,
                self.model.digest,
                (asked.ratio, asked.spacing_mm, asked.every),
                values.hexdigest(),
            )
        )

    def fingerprint(self, source: Source) -> str:
        """Return the fingerprint of all that the maps of a patient follow from."""
        settings = asdict(self.settings)
        for name in ("batch_size", "bids"):  # which do not change them
            del settings[name]
        settings["dicom"] = settings["dicom"] and _DICOM_REVISION
        if self._texture is None:
            del settings["texture"], settings["seed"]  # nor do these, then
        return inference_write.fingerprint_of(
            source, {"model": self.model.digest, **settings}
        )

    def _collect(
        self, sources: Sequence[Source], out: Path, outcome: batch.Outcome
    ) -> Generated:
        """Write the tables, unless patients are still to come."""
        found = [self._current(source, out) for source in sources]
        done = tuple(patient for patient in found if patient is not None)
        if not outcome.pending:
            patients = [each.patient for each in done]
            write_cohort(out, patients, GENERATED_FILE)
            batch.write_failures(outcome.failures, out)
            if self.settings.bids:
                from magic_model.derivatives.bids import write_bids

                write_bids(out, patients, self._about())
        return Generated(done, outcome)

    def _about(self) -> dict[str, object]:
        """Say for a BIDS data set what generated its maps."""
        return {
            "Recipe": self.model.backend.recipe_name,
            "Checkpoint": f"sha256:{self.model.digest}",
            "PerfusionInformationRatio": self.settings.ratio,
        }


def _texture_note(seed: int) -> str:
    return (
        f"the maps have {SAMPLED} (seed {seed}), drawn and not inferred: {NOTICE}; "
        "without texture they are the network's own"
    )


def _texture_record(seed: int) -> dict[str, str | int]:
    return {"kind": SAMPLED, "notice": NOTICE, "seed": seed}


def _unknown_pixels(stack: SliceStack) -> str:
    size, pixel = stack.mask.shape[2], float(np.linalg.norm(stack.affine[:3, 0]))
    return (
        "the network does not say what pixels it was trained with, as it is of version "
        f"0.1: the longer side was fitted into {size} pixels of {pixel:.3g} mm"
    )
