"""A network that is quick, a head, and the page that explores them."""

from dataclasses import replace

from app.pilo.explorer import open_explorer
from magic_model.data.nifti import write_nifti
from magic_model.recipes.files import load_recipe
from tests.magic_model.data.conftest import make_head
from tests.magic_model.inference.tiny import write_checkpoint


def tiny_recipe(size=64):
    """The recipe `tiny`, narrow and on small slices."""
    recipe = load_recipe("tiny")
    return replace(
        recipe,
        generator=replace(recipe.generator, width=4),
        data=replace(recipe.data, size=size),
    )


def write_head(folder):
    """Write an NCCT whose name says nothing about a patient."""
    path = folder / "head.nii.gz"
    write_nifti(make_head(noise=4.0).ncct, path)
    return path


def write_run(folder, size=64):
    """Write the folder of a run with one checkpoint."""
    write_checkpoint(folder, tiny_recipe(size))
    return folder


def make_explorer(folder):
    """Open both."""
    return open_explorer(write_run(folder / "run"), write_head(folder))
