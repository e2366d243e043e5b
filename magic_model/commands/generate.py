"""`magic-model generate`: maps from an NCCT, or from all of a cohort."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from magic_model.checkpoint import checkpoint_of
from magic_model.commands.progress import patients_progress
from magic_model.data.cohort import GENERATED_FILE, write_cohort
from magic_model.data.slices import SliceStack
from magic_model.data.volume import Kind, Volume
from magic_model.distributed import World, joined, wait_for_all
from magic_model.errors import DataError, counted
from magic_model.inference.generate import Progress, as_volumes, generate_slices
from magic_model.inference.model import Backend, TorchBackend
from magic_model.inference.prepare import Source, find_sources, preparation_notes
from magic_model.inference.write import (
    Account,
    Made,
    discard,
    fingerprint_of,
    kept,
    require_apart,
    write_patient,
)
from magic_model.maps import PerfusionMap
from magic_model.networks.pilo import shares


@dataclass(frozen=True, kw_only=True)
class GenerateRequest:
    """What the user asks."""

    checkpoint: Path
    source: Path
    out: Path
    name: str = "case-1"
    split: str = "all"
    ratio: float = 1.0
    spacing_mm: float | None = None
    every: bool = False
    batch_size: int = 4
    device: str = "auto"
    dicom: bool = False
    pictures: bool = False


def generate(request: GenerateRequest) -> str:
    """Generate maps and say where they are; only the first process says it."""
    shares(request.ratio)  # refuses one that is not positive before any work
    with joined(request.device) as (world, device):
        sources = find_sources(request.source, request.name, request.split)
        require_apart(sources, request.out)
        file = checkpoint_of(request.checkpoint)
        backend: Backend
        if file.suffix == ".onnx":
            from magic_model.inference.onnx import OnnxBackend

            backend = OnnxBackend(file)
        else:
            backend = TorchBackend(file, device)
        maker = _Maker(request, backend, _digest(file))
        with _shown(world, len(sources)) as progress:
            for source in sources[world.rank :: world.size]:
                maker.make(source, progress)
        wait_for_all(world)
        if not world.is_first:
            return ""
        return _finish(maker, sources)


@dataclass(frozen=True)
class _Maker:
    request: GenerateRequest
    backend: Backend
    model: str

    def make(self, source: Source, progress: Progress | None) -> Made:
        request = self.request
        mark = self.fingerprint(source)
        found = kept(source, request.out, mark)
        if found is not None:
            return found
        ncct = source.load()
        stack = source.slices(
            ncct, self.backend.size, request.spacing_mm, every=request.every
        )
        images = generate_slices(
            stack,
            self.backend,
            ratio=request.ratio,
            batch_size=request.batch_size,
            progress=progress,
        )
        maps = as_volumes(stack, images)
        mask = stack.to_volume(stack.mask.astype("float32"), Kind.BRAIN_MASK)
        discard(source, request.out)  # not complete while files change
        extras = self._extras(source, stack, maps)
        account = Account(mark, list(preparation_notes(ncct)), extras)
        return write_patient(source, request.out, maps, mask, account)

    def _extras(
        self, source: Source, stack: SliceStack, maps: dict[PerfusionMap, Volume]
    ) -> list[Path]:
        place = self.request.out / source.patient_id
        files: list[Path] = []
        if self.request.dicom:
            from magic_model.inference.write import write_dicom

            files += write_dicom(source, maps, place)
        if self.request.pictures:
            from magic_model.inference.write import draw_pictures

            files += draw_pictures(stack, maps, self.backend, place)
        return files

    def fingerprint(self, source: Source) -> str:
        request = self.request
        settings = {
            "model": self.model,
            "ratio": request.ratio,
            "spacing_mm": request.spacing_mm,
            "every": request.every,
            "dicom": request.dicom,
            "pictures": request.pictures,
        }
        return fingerprint_of(source, settings)


def _finish(maker: _Maker, sources: list[Source]) -> str:
    out = maker.request.out
    made = [kept(source, out, maker.fingerprint(source)) for source in sources]
    done = [patient for patient in made if patient is not None]
    if len(done) < len(sources):
        msg = (
            f"{out}: maps of {counted(len(sources) - len(done), 'patient')} are missing"
        )
        raise DataError(msg)
    write_cohort(out, [each.patient for each in done], GENERATED_FILE)
    names = ", ".join(str(name) for name in maker.backend.maps)
    lines = [f"{counted(len(done), 'patient')} in {out}: {names}"]
    lines += [f"  {m.patient.patient_id}: {note}" for m in done for note in m.notes]
    return "\n".join([*lines, "Research use only."])


@contextmanager
def _shown(world: World, n_patients: int) -> Iterator[Progress | None]:
    """Show slices of this process's patients, on the first process only."""
    if not world.is_first:
        yield None
        return
    title = f"generating, {n_patients} patients, slices"
    with patients_progress(title) as progress:
        yield progress


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror})"
        raise DataError(msg) from error
