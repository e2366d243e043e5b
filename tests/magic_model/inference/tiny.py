"""A generator that is quick, its checkpoint, and heads to generate for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from magic_model.checkpoint import BEST, CheckpointHeader, save_checkpoint
from magic_model.data.cohort import Patient, write_cohort
from magic_model.data.nifti import write_nifti
from magic_model.data.slices import to_display
from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.maps import PAPER_MAPS
from magic_model.networks import build_generator
from magic_model.recipes.files import load_recipe, recipe_from_table
from magic_model.severity import Severity
from tests.magic_model.data.conftest import make_head, make_maps
from tests.magic_model.data.dicom.conftest import CtSeries, set_pixels

SIZE = 32


def small_recipe(maps=PAPER_MAPS, size=SIZE, batch_size=8, **generator):
    """A recipe without discriminator, of any family."""
    shared = {} if generator.get("family") == "residual" else {"shared": 1}
    return recipe_from_table(
        {
            "name": "small",
            "maps": list(maps),
            "data": {"size": size},
            "generator": {"levels": 2, "width": 4, **shared, **generator},
            "loss": {
                "adversarial": 0,
                "extrema": 0,
                "multimodal": 0,
                "lateness": 1 if generator.get("late") else 0,
            },
            "training": {"batch_size": batch_size},
        }
    )


def narrowed(name, size=None):
    """A shipped recipe, narrow: of the same shape, and quick."""
    recipe = load_recipe(name)
    return replace(
        recipe,
        generator=replace(recipe.generator, width=4),
        data=replace(recipe.data, size=size or recipe.data.size),
    )


def drawn_generator(recipe, seed=0):
    """A generator with weights and statistics as if it had been trained."""
    torch.manual_seed(seed)
    generator = build_generator(recipe).eval()
    for module in generator.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.2, 2)
        if getattr(module, "affine", False):
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.normal_(module.bias)
    return generator


def write_checkpoint(folder, recipe, name=BEST, seed=0):
    """Write a drawn generator as the checkpoint of a run; give its path."""
    generator = drawn_generator(recipe, seed)
    header = CheckpointHeader(
        recipe=recipe, ranges=recipe.ranges, data="none", seed=seed, epoch=1
    )
    tensors = {f"generator.{n}": t for n, t in generator.state_dict().items()}
    save_checkpoint(Path(folder) / name, header, tensors)
    return Path(folder) / name


def slices_of(n, size=SIZE, seed=0):
    """Slices of an NCCT `(n, 3, size, size)`, scaled."""
    values = np.random.default_rng(seed).uniform(-1, 1, (n, 3, size, size))
    return values.astype(np.float32)


def write_head_cohort(folder, splits=("train", "val", "test"), *, masks=True):
    """Patients P1, P2, ... with noise of their own and maps on ten slices."""
    patients = []
    for number, split in enumerate(splits, 1):
        head = make_head(noise=4.0, seed=number)
        maps = make_maps(head, z_from=4, z_to=14).maps
        images = {Kind(name): volume for name, volume in maps.items()}
        cbv = images[Kind.CBF].array * images[Kind.MTT].array / 60
        images |= {
            Kind.NCCT: head.ncct,
            Kind.CBV: head.ncct.with_array(cbv, Kind.CBV),
        }
        if masks:
            images[Kind.BRAIN_MASK] = head.brain
        paths = {kind: Path(f"P{number}") / f"{kind}.nii.gz" for kind in images}
        for kind, path in paths.items():
            write_nifti(images[kind], folder / path)
        ill = Severity.SEVERE, 20.0, 100.0, 0.2
        patients.append(Patient(f"P{number}", Split(split), *ill, paths))
    write_cohort(folder, patients)
    return folder


def write_head_dicom(folder, rng):
    """A CT series of the head; give its NCCT, at the place that DICOM says."""
    head = make_head()
    shown = to_display(head.ncct.array)
    series = CtSeries(rng, step=head.ncct.spacing[2], shape=shown.shape)
    columns, rows, _ = head.ncct.shape
    for k, (dataset, image) in enumerate(zip(series.slices, shown, strict=True)):
        set_pixels(dataset, (image + 1024).astype(np.int16))
        dataset.PixelSpacing = list(head.ncct.spacing[:2])
        x, y, z, _ = head.affine @ [columns - 1, rows - 1, k, 1]
        dataset.ImagePositionPatient = [-x, -y, z]
    series.write(folder)
    return head.ncct
