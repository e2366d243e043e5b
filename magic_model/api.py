"""Jobs of several steps: load a model and generate, train, evaluate, draw cases."""

import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from magic_model.data.cohort import Cohort
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError, as_path, is_a, missing_extra, require_whole
from magic_model.inference.generate import Generation, GenerationSettings
from magic_model.inference.generated_maps import GeneratedMaps
from magic_model.inference.opened import OpenedModel, open_model
from magic_model.inference.prepare import Source, find_sources, require_name
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.output import require_writable
from magic_model.severity import Severity

if TYPE_CHECKING:
    from magic_model.evaluation.result import Evaluation
    from magic_model.montage.cases import DrawnCases
    from magic_model.recipe import Recipe

Progress = Callable[[int, int], None]
"""Called with the number of patients done and of all."""


def load(path: str | Path, device: str = "auto") -> "Model":
    """Load a model that generates perfusion maps from non-contrast CT.

    Args:
        path: A checkpoint, the folder of a run (its best checkpoint is taken, else the
            last one), or an ONNX model that `export_onnx` wrote.
        device: `auto` takes a GPU if there is one, else `cpu` or `cuda`; an ONNX model
            runs on the CPU.

    Raises:
        DataError: If there is no such model, it cannot be used, or the device is
            unknown or not there.
        ModuleNotFoundError: If the extra of magic-ctp that runs it is not installed;
            it is named.
    """
    file = as_path(path)
    try:
        if file.suffix == ".onnx":
            return Model(open_model(file))
        from magic_model.distributed import choose_device

        return Model(open_model(file, choose_device(device)))
    except ModuleNotFoundError as error:
        sentence = missing_extra(error)
        if sentence is None:
            raise
        raise ModuleNotFoundError(sentence, name=error.name) from error


class Model:
    """A trained generator. Research use only."""

    def __init__(self, opened: OpenedModel) -> None:
        if not is_a(opened, OpenedModel):
            msg = f"A model must come from magic_model.load, got {opened!r}"
            raise DataError(msg)
        self._opened = opened

    @property
    def path(self) -> Path:
        """File that was loaded."""
        return self._opened.path

    @property
    def recipe_name(self) -> str:
        """Name of the recipe that was trained."""
        return self._opened.backend.recipe_name

    @property
    def maps(self) -> tuple[PerfusionMap, ...]:
        """Maps that it generates, in channel order."""
        return tuple(self._opened.backend.maps)

    @property
    def size(self) -> int:
        """Pixels along each side of the slices that it sees."""
        return self._opened.backend.size

    def generate(
        self,
        ncct: str | Path | Volume,
        *,
        name: str = "case-1",
        ratio: float = 1.0,
        spacing_mm: float | None = None,
        batch_size: int = 4,
        series: str | int | None = None,
        texture: bool = True,
        seed: int = 1,
    ) -> GeneratedMaps:
        """Generate the perfusion maps of one head.

        Args:
            ncct: A NIfTI file, a folder or ZIP archive of one patient's DICOM files, or
                a volume in HU.
            name: Study-local name of the patient; never one that a hospital gave.
            ratio: Perfusion information ratio; 1 is the output as trained.
            spacing_mm: Distance of slices; that of the NCCT if left out.
            batch_size: Slices computed at a time; it does not change the maps.
            series: Number or UID of the DICOM series that is the NCCT; chosen if left
                out.
            texture: Draw texture where the network learnt it (recipe `realistic`): for
                reader studies, not for reading.
            seed: Of the texture.

        Raises:
            DataError: If the NCCT cannot be read or used, or an option makes no sense.
        """
        settings = GenerationSettings(
            ratio=ratio,
            spacing_mm=spacing_mm,
            batch_size=batch_size,
            texture=texture,
            seed=seed,
        )
        return Generation(self._opened, settings).compute(
            _source(ncct, name, "" if series is None else str(series))
        )

    def __repr__(self) -> str:
        titles = ", ".join(MAP_SPECS[name].title for name in self.maps)
        return (
            f"Model({str(self.path)!r}: recipe {self.recipe_name}, {titles}; "
            f"slices of {self.size} x {self.size} pixels)"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}. Research use only.</p>"


def _source(ncct: str | Path | Volume, name: str, series: str = "") -> Source:
    if isinstance(ncct, Volume):
        if ncct.kind is not Kind.NCCT:
            msg = f"A volume to generate from must be of kind ncct, got {ncct.kind}"
            raise DataError(msg)
        require_name(name)
        if series:
            msg = f"A series can be named in a DICOM folder alone, got {series}"
            raise DataError(msg)
        return Source(name, (), lambda: ncct)
    path = as_path(ncct)
    found = find_sources(path, name, series=series)
    if found[0].cohort is not None:
        msg = (
            f"{path}: must be one NIfTI file or DICOM folder, got a cohort of "
            f"{len(found)}; load each patient's NCCT, or run magic-model generate"
        )
        raise DataError(msg)
    return found[0]


def train(
    cohort: str | Path,
    folder: str | Path,
    recipe: "str | Path | Recipe" = "magic",
    *,
    epochs: int | None = None,
    seed: int = 1,
    device: str = "auto",
    init: str | Path | None = None,
    allow_missing: int = 0,
) -> Model:
    """Train a recipe on a cohort, or go on where the folder's run stopped.

    A finished run goes on if more epochs are asked for.

    Args:
        cohort: Folder with cohort.csv.
        folder: Folder of the run: checkpoints, metrics.jsonl, sample pictures.
        recipe: Name of a shipped recipe, a TOML file, or a recipe.
        epochs: In place of the recipe's.
        seed: Of weights, order, augmentation and dropout.
        device: `auto` takes a GPU if there is one, else `cpu` or `cuda`.
        init: Checkpoint, or folder of a run, whose weights a new run starts from.
        allow_missing: Patients that may be left out as they cannot be prepared.

    Returns:
        The best model on validation; without patients to validate with, the last.

    Raises:
        DataError: If cohort, recipe, weights or folder cannot be used, patients cannot
            be prepared, or training diverges.
    """
    from magic_model.checkpoint import checkpoint_of
    from magic_model.distributed import choose_device
    from magic_model.recipes.files import as_recipe
    from magic_model.training.cohort import train_cohort
    from magic_model.training.trainer import RunSettings

    run = as_path(folder)
    wanted = as_recipe(recipe)
    if epochs is not None:
        wanted = wanted.with_epochs(require_whole(epochs, "epochs", 1))
    require_whole(seed, "seed")
    settings = RunSettings(
        folder=run,
        seed=seed,
        device=choose_device(device),
        init=None if init is None else checkpoint_of(as_path(init)),
        allow_missing=require_whole(allow_missing, "allow_missing"),
    )
    train_cohort(as_path(cohort), wanted, settings)
    return load(run, device)


def evaluate(
    cohort: str | Path,
    generated: "str | Path | Mapping[str, str | Path]",
    out: str | Path | None = None,
    *,
    seed: int = 1,
    jobs: int = 1,
    boosting: bool = False,
    realism: bool = False,
) -> "Evaluation":
    """Compare generated maps with the measured ones and with trivial baselines.

    Args:
        cohort: Folder with cohort.csv.
        generated: Folder with generated.csv, or such folders by name of the method.
        out: Folder for tables, figures and a report; nothing is written if left out.
        seed: Of the bootstrap.
        jobs: Patients measured at the same time.
        boosting: Whether boosted trees are fitted to the training split and compared.
        realism: Whether it is measured how real the maps look.

    Raises:
        DataError: If a table or an image cannot be read, nothing can be compared, or
            `out` cannot be written.
    """
    from magic_model.evaluation.result import evaluate_selection, select_folders
    from magic_model.evaluation.writing import write_evaluation

    require_whole(seed, "seed")
    require_whole(jobs, "jobs", 1)
    if isinstance(generated, Mapping):
        names: Sequence[str] | None = list(generated)
        folders = [as_path(folder) for folder in generated.values()]
    else:
        names, folders = None, [as_path(generated)]
    if out is not None:
        require_writable(as_path(out))
    chosen = select_folders(as_path(cohort), folders, names)
    found = evaluate_selection(
        chosen, seed, jobs=jobs, boosting=boosting, realism=realism
    )
    if out is not None:
        write_evaluation(found, as_path(out))
    return found


def draw_montages(
    cohort: str | Path,
    generated: str | Path,
    out: str | Path,
    *,
    split: str = "test",
    slices: int = 10,
    panel: int = 256,
    volumes: bool = False,
) -> "DrawnCases":
    """Draw each patient's measured and generated maps alike, and write cases.csv.

    Args:
        cohort: Folder with cohort.csv.
        generated: Folder with generated.csv.
        out: Folder of a reader study's cases.
        split: Patients drawn: train, val, test or all.
        slices: Rows of a montage.
        panel: Pixels of a panel's side.
        volumes: Whether to write volumes for stack reading too.

    Raises:
        DataError: If a patient lacks what a case needs, an image cannot be read or a
            file cannot be written.
    """
    from magic_model.montage.cases import add_volumes, draw_cases
    from magic_model.montage.picture import MontageLayout
    from magic_model.montage.volumes import VolumeLayout

    layout = MontageLayout(rows=slices, panel=panel)
    folders = as_path(cohort), as_path(generated), as_path(out)
    drawn = draw_cases(*folders, split=split, layout=layout)
    return add_volumes(drawn, *folders[:2], VolumeLayout()) if volumes else drawn


def make_phantom(
    folder: str | Path,
    patients: int | Mapping[Severity, int] | Mapping[str, int] = 12,
    *,
    seed: int = 1,
    full: bool = False,
    exact: bool = False,
    series: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Cohort:
    """Make a cohort of digital patients with known truth, and a report of its checks.

    Maps are measured from a simulated CT perfusion series with noise, and core, tissue
    at risk and severity are what is found in them; phantom.json holds the planted ones.

    Args:
        folder: Folder of the cohort.
        patients: How many, in the paper's proportions; or how many of each class.
        seed: Of all chance; the same seed gives the same images.
        full: Whole heads at 1 mm instead of slabs; needs `exact`.
        exact: Maps as they are, without noise, and core, tissue at risk and severity as
            planted; NCCT and lesion are the same.
        series: Write the series, too.
        jobs: Patients at a time.
        progress: Called with the number of patients done and of all.

    Raises:
        DataError: If a number makes no sense or a file cannot be written.
    """
    from magic_model.importing.cohort import check_cohort
    from magic_model.importing.report import write_report
    from magic_model.phantom.generate import make_cohort
    from magic_model.phantom.patient import Contents

    out = as_path(folder)
    require_whole(seed, "seed")
    require_whole(jobs, "jobs", 1)
    if isinstance(patients, Mapping):
        wanted: int | dict[Severity, int] = {
            _severity(name): require_whole(count, f"Patients of class {name}")
            for name, count in patients.items()
        }
    else:
        if is_a(patients, int) and patients < 1:
            msg = f"A cohort must have 1 patient or more, got {patients}"
            raise DataError(msg)
        wanted = require_whole(patients, "patients", 1)
    contents = Contents("full" if full else "slab", exact, series)
    make_cohort(out, wanted, seed, contents=contents, jobs=jobs, progress=progress)
    cohort, records = check_cohort(out)
    write_report(cohort, records, out)
    return cohort


def _severity(name: object) -> Severity:
    if name not in set(Severity):
        msg = f"A class of severity must be one of {', '.join(Severity)}, got {name!r}"
        raise DataError(msg)
    return Severity(str(name))


def read_volume(path: str | Path, kind: Kind | str = Kind.NCCT) -> Volume:
    """Read an image in the units of its kind.

    Args:
        path: A NIfTI file, a folder of one DICOM CT series, or a DICOM Parametric Map
            (`.dcm`), whose code says which map it is.
        kind: What a NIfTI file shows.

    Raises:
        DataError: If it cannot be read.
    """
    from magic_model.data.nifti import read_nifti

    place = as_path(path)
    if place.suffix == ".dcm":
        from magic_model.data.dicom.parametric_map import read_parametric_map

        return read_parametric_map(place)
    if place.is_dir():
        return _source(place, "volume").load()
    return read_nifti(place, as_kind(kind))


def as_kind(kind: Kind | str) -> Kind:
    """Return a kind of image by its name.

    Raises:
        DataError: If there is none of that name.
    """
    try:
        return Kind(str(kind).lower())
    except ValueError as error:
        msg = f"A kind of image must be one of {', '.join(Kind)}, got {kind!r}"
        raise DataError(msg) from error
