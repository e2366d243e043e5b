"""Maps from an NCCT by a trained generator: of one patient, of many."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from magic_model import batch
from magic_model.data.cohort import GENERATED_FILE, write_cohort
from magic_model.data.ncct_values import ncct_findings, require_hounsfield
from magic_model.data.slices import SliceStack
from magic_model.data.straight import straighten
from magic_model.data.unmeasured import measured_only
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError, pluralize, require_whole
from magic_model.inference import write as inference_write
from magic_model.inference.generated_maps import GeneratedMaps
from magic_model.inference.opened import (
    OpenedModel,
    Progress,
    as_volumes,
    generate_slices,
)
from magic_model.inference.prepare import Source, preparation_notes
from magic_model.output import require_writable
from magic_model.ratio import shares
from magic_model.texture import NOTICE, SAMPLED, TextureModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from magic_model.distributed import World

_DICOM_REVISION = 2
"""Raised whenever the same maps give other DICOM objects, so that those are remade."""

_BFLOAT16_REVISION = 2
"""Raised whenever bfloat16 gives other maps; 1 rounded weights at every pass."""


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
                *([_BFLOAT16_NOTE] if self.model.bfloat16 else []),
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
        if self.model.backend.window:  # earlier versions did not heed it
            settings["window"] = self.model.backend.window
        if self.model.bfloat16:
            settings["bfloat16"] = _BFLOAT16_REVISION
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


_BFLOAT16_NOTE = "computed in bfloat16: maps differ a little from single precision"


def _texture_note(seed: int) -> str:
    return (
        f"the maps have {SAMPLED} (seed {seed}), drawn and not inferred, and the "
        f"network's own detail is made stronger: {NOTICE}; without texture they are "
        "the network's own"
    )


def _texture_record(seed: int) -> dict[str, str | int]:
    return {"kind": SAMPLED, "notice": NOTICE, "seed": seed}


def _unknown_pixels(stack: SliceStack) -> str:
    size, pixel = stack.mask.shape[2], float(np.linalg.norm(stack.affine[:3, 0]))
    return (
        "the network does not say what pixels it was trained with, as it is of version "
        f"0.1: the longer side was fitted into {size} pixels of {pixel:.3g} mm"
    )
