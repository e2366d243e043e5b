"""Sampled texture from the training to the folder of maps."""

import json
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from magic_model.checkpoint import read_header, rewrite_header
from tests.magic_model.commands.conftest import RECIPE
from tests.magic_model.inference.tiny import small_recipe, write_checkpoint


@pytest.fixture(scope="module")
def trained(cohort, tmp_path_factory):
    from magic_model.cli import main

    folder = tmp_path_factory.mktemp("textured")
    path = folder / "own.toml"
    path.write_text(RECIPE.replace("[data]", "texture = true\n\n[data]", 1))
    assert main(training(cohort, folder / "run")) == 0
    return folder / "run"


def training(cohort, run):
    train = "train", "--recipe", run.parent / "own.toml", "--cohort", cohort
    return [*map(str, train), "--out", str(run), "--epochs", "1", "--device", "cpu"]


def images_of(folder):
    record = json.loads((folder / "P3" / "generated.json").read_text())
    arrays = {
        kind: np.asarray(nibabel.load(folder / "P3" / path.split("/")[-1]).dataobj)
        for kind, path in record["images"].items()
    }
    return record, arrays


@pytest.mark.slow
def test_texture_is_learnt_drawn_said_and_left_out(
    trained, cohort, tmp_path, command, refusal
):
    assert read_header(trained / "best.safetensors").texture["pixel_mm"] > 0
    asked = "generate", "--checkpoint", trained, "--input", cohort, "--split", "test"
    for name, options in {
        "drawn": [],
        "again": ["--batch", "1"],
        "other": ["--seed", "2"],
        "plain": ["--no-texture"],
    }.items():
        command(*asked, "--out", tmp_path / name, *options, "--device", "cpu")
    record, drawn = images_of(tmp_path / "drawn")
    said = {"kind": "sampled texture", "notice": "for reader studies, not for reading"}
    assert record["texture"] == said | {"seed": 1}
    assert any("sampled texture (seed 1)" in note for note in record["notes"])
    assert any("own detail is made stronger" in note for note in record["notes"])
    plain_record, plain = images_of(tmp_path / "plain")
    assert "texture" not in plain_record
    assert not any("texture" in note for note in plain_record["notes"])
    _, again = images_of(tmp_path / "again")
    _, other = images_of(tmp_path / "other")
    for kind in ("cbf", "ttp"):
        np.testing.assert_allclose(drawn[kind], again[kind], atol=1e-3)
        assert not np.array_equal(drawn[kind], other[kind])
        assert not np.array_equal(drawn[kind], plain[kind])
    assert np.array_equal(drawn["brain_mask"], plain["brain_mask"])
    told = refusal(*asked, "--out", tmp_path / "dicom", "--dicom")
    assert "--dicom must be given with --no-texture" in told


@pytest.mark.slow
def test_texture_of_an_earlier_version_is_learnt_anew(
    trained, cohort, tmp_path, command, refusal
):
    best = trained / "best.safetensors"
    learnt = read_header(best)
    of_before = {"maps": learnt.texture["maps"], "pixel_mm": 1.0, "gains": []}
    rewrite_header(best, replace(learnt, texture=of_before))
    asked = "generate", "--checkpoint", trained, "--input", cohort
    told = refusal(*asked, "--out", tmp_path / "out")
    assert "the same `train` command on the finished run learns it anew" in told
    command(*training(cohort, trained))
    assert read_header(best) == learnt


def test_a_run_that_is_not_done_has_none_yet(cohort, tmp_path, refusal):
    recipe = replace(small_recipe(), texture=True)
    write_checkpoint(tmp_path / "run", recipe)
    asked = "generate", "--checkpoint", tmp_path / "run", "--input", cohort
    told = refusal(*asked, "--out", tmp_path / "out")
    assert "texture, which is learnt when all epochs are done" in told
