"""`magic-model train`, as people run it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from magic_model import recipes
from magic_model.checkpoint import BEST, LAST, load_generator, read_header
from magic_model.cli.progress import training_progress
from magic_model.data.cohort import Cohort, read_cohort, write_cohort
from magic_model.data.sampling import Sampling
from magic_model.data.slice_cache import SliceCache
from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.distributed import World
from magic_model.output import file_digest
from magic_model.recipes.files import load_recipe
from magic_model.training import cohort as training_cohort
from magic_model.training import pictures as training_pictures
from magic_model.training.trainer import RunSettings
from tests.magic_model.inference.tiny import write_head_cohort


@pytest.fixture
def trained(command, cohort, recipe, tmp_path):
    """Train once more into the same folder with other options."""

    def run(*options, out="run"):
        told = ["--recipe", recipe, "--cohort", cohort, "--out", tmp_path / out]
        return command("train", *told, *options), tmp_path / out

    return run


def lines_of(folder):
    text = (folder / "metrics.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.slow
def test_a_run_from_cohort_to_checkpoints(trained):
    text, folder = trained("--device", "cpu")
    lines = text.splitlines()
    assert lines[0] == f"Trained least for 2 epochs; {folder / LAST}"
    assert lines[1].startswith("Best on validation: epoch ")
    assert lines[1].endswith(str(folder / BEST))
    _, header = load_generator(folder)
    assert header.recipe.name == "least"
    _, last = load_generator(folder / LAST)
    assert (last.epoch, last.seed) == (2, 1)
    written = lines_of(folder)
    epochs = [line for line in written if "step" not in line]
    steps = [line for line in written if "step" in line]
    assert [line["epoch"] for line in epochs] == [1, 2]
    assert len(steps) == 2 * 2  # ten slices in whole batches of four
    assert all(np.isfinite(line["total"]) for line in steps)
    for name, unit_error in last.validation.items():
        assert epochs[-1][f"validation/{name}"] == unit_error
        assert f"{name.upper()} {unit_error:.3g}" in lines[2]
    assert lines[3].startswith("Peak memory: ")
    for epoch in (1, 2):
        with Image.open(folder / "samples" / f"epoch-000{epoch}.png") as sample:
            assert sample.width > 5 * 150 - 5
            assert np.asarray(sample).std() > 10
    assert (folder / "losses.png").stat().st_size > 5000
    cache = SliceCache.open(folder / "slices")
    assert [patient.patient_id for patient in cache.patients] == ["P1", "P2", "P3"]


@pytest.mark.slow
def test_a_run_that_is_done_stays_as_it_is(trained):
    text, folder = trained()
    times = {p: p.stat().st_mtime_ns for p in folder.rglob("*.safetensors")}
    again, _ = trained()
    assert again.splitlines()[:3] == text.splitlines()[:3]
    assert {p: p.stat().st_mtime_ns for p in times} == times


@pytest.mark.slow
def test_a_run_goes_on_where_it_stopped(trained, monkeypatch):
    """Stopped after the first of two epochs; it ends as one that never stopped."""
    slices = ("--save-every", "1")
    _, whole = trained(*slices, out="whole")

    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training_pictures, "draw_samples", stop)
        with pytest.raises(AssertionError, match="130"):  # as by Ctrl-C
            trained(*slices, out="stopped")
    _, stopped = trained(*slices, out="stopped")
    for name in (LAST, BEST):
        one, other = (load_generator(f / name)[0] for f in (whole, stopped))
        for (key, tensor), same in zip(
            one.state_dict().items(), other.state_dict().values(), strict=True
        ):
            assert torch.equal(tensor, same), key
    assert not (stopped / "samples" / "epoch-0001.png").exists()
    assert (stopped / "samples" / "epoch-0002.png").exists()


@pytest.mark.slow
def test_epochs_seed_and_prepared_slices_can_be_given(trained, tmp_path):
    shared = tmp_path / "shared"
    options = ("--epochs", "1", "--slices", shared)
    text, one = trained(*options, "--seed", "5", out="one")
    assert text.startswith("Trained least for 1 epoch;")
    assert not (one / "slices").exists()
    made = (shared / "index.json").stat().st_mtime_ns
    _, other = trained(*options, "--seed", "6", out="other")
    assert (shared / "index.json").stat().st_mtime_ns == made
    headers = [load_generator(folder)[1] for folder in (one, other)]
    assert [header.seed for header in headers] == [5, 6]
    assert headers[0].data == headers[1].data


@pytest.mark.slow
def test_without_validation_there_is_no_best(command, recipe, cohort, tmp_path):
    folder = tmp_path / "only"
    alone = [p for p in read_cohort(cohort).patients if p.split is Split.TRAIN]
    for path in alone[0].images.values():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to(cohort / path)
    write_cohort(folder, alone)
    told = ["--recipe", recipe, "--cohort", folder, "--out", tmp_path / "run"]
    text = command("train", *told, "--epochs", "1")
    assert "Best" not in text
    assert "Mean absolute error" not in text
    assert not (tmp_path / "run" / BEST).exists()
    assert (tmp_path / "run" / "samples" / "epoch-0001.png").exists()


@pytest.mark.slow
def test_other_processes_wait_for_the_slices(recipe, cohort, trained, monkeypatch):
    """They open what the first one prepared; here it is there already."""
    _, folder = trained("--epochs", "1")
    waited = []
    monkeypatch.setattr(training_cohort, "wait_for_all", waited.append)
    monkeypatch.setattr(training_cohort, "build_cache", None)
    second = World(rank=1, size=2)
    cache = training_cohort.prepare_cache(
        cohort, folder / "slices", load_recipe(recipe), second
    )
    assert len(cache) == 30
    assert waited == [second]


def test_only_the_first_process_shows_progress():
    with training_progress(shown=World(rank=1, size=2).is_first) as progress:
        assert progress == (None, None, None)


@pytest.mark.slow
def test_what_cannot_be_trained_is_said(refusal, cohort, recipe, tmp_path, trained):
    def refused(recipe=recipe, cohort=cohort, out=tmp_path / "x", options=()):
        told = ["--recipe", recipe, "--cohort", cohort, "--out", out]
        return refusal("train", *told, *options)

    shipped = sorted(path.stem for path in Path(recipes.__path__[0]).glob("*.toml"))
    known = f"A recipe must be {', '.join(shipped)} or a TOML file, got magick"
    assert known in refused(recipe="magick")
    assert f"{tmp_path / 'no'}/cohort.csv" in refused(cohort=tmp_path / "no")
    assert "Invalid value for '--epochs'" in refused(options=["--epochs", "0"])
    bad = tmp_path / "bad.toml"
    bad.write_text(recipe.read_text() + "\nlearning_rat = 1e-3\n")
    assert "unknown learning_rat; known are" in refused(recipe=bad)
    (tmp_path / "file").touch()
    assert "cannot be written" in refused(out=tmp_path / "file")
    trained("--epochs", "1")
    assert "of a run with another seed" in refused(
        out=tmp_path / "run", options=["--seed", "2", "--epochs", "1"]
    )


@pytest.fixture
def holes(cohort, tmp_path):
    """The cohort with a second training patient, whose MTT is not there."""
    patients = list(read_cohort(cohort).patients)
    images = patients[0].images | {Kind.MTT: Path("P1") / "gone.nii.gz"}
    patients.append(replace(patients[0], patient_id="P4", images=images))
    folder = tmp_path / "holes"
    for path in {p for patient in patients[:3] for p in patient.images.values()}:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to(cohort / path)
    write_cohort(folder, patients)
    return folder


def test_patients_that_cannot_be_prepared_are_named_and_counted(
    refusal, command, recipe, holes, tmp_path
):
    told = ["--recipe", recipe, "--cohort", holes, "--out", tmp_path / "run"]
    named = f"1 of 4 patients cannot be prepared: P4 ({holes}/P1/gone.nii.gz: no such"
    said = refusal("train", *told, "--epochs", "1")
    assert named in said
    assert "--allow-missing 1 (now 0)" in said
    assert not (tmp_path / "run" / LAST).exists()
    text = command("train", *told, "--epochs", "1", "--allow-missing", "1")
    assert f"Left out: {named}" in text


@pytest.mark.slow
def test_preparing_is_told_patient_by_patient(recipe, cohort, tmp_path):
    seen = []
    settings = RunSettings(
        folder=tmp_path / "run", seed=1, preparing=lambda *done: seen.append(done)
    )
    training_cohort.train_cohort(cohort, load_recipe(recipe).with_epochs(1), settings)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    with training_progress(shown=True) as bars:
        bars.preparing(1, 2)
        bars.training(1, 2, {"l1": 0.5, "total": 1.0})


def test_each_epoch_leaves_a_line(capsys, recipe, cohort, tmp_path):
    with training_progress(shown=True) as bars:
        settings = RunSettings(folder=tmp_path / "run", seed=1, epochs=bars.epochs)
        wanted = load_recipe(recipe)
        training_cohort.train_cohort(cohort, wanted, settings)
        bars.epochs({"epoch": 3, "seconds": 1.6}, 4)
    said = capsys.readouterr().err.splitlines()
    errors = [
        f"{name.removeprefix('validation/').upper()} {value:.3g}"
        for name, value in lines_of(tmp_path / "run")[5].items()
        if name.startswith("validation/")
    ]
    assert said[1].startswith(f"epoch 2 of 2: error on validation {', '.join(errors)};")
    assert said[2] == "epoch 3 of 4: no patient to validate on; 2 s"


def test_a_folder_that_cannot_be_written_is_told_first(
    refusal, cohort, recipe, run_folder, tmp_path, monkeypatch
):
    """Before an image is read, which would fail here."""
    monkeypatch.setattr(Cohort, "load", None)
    (tmp_path / "file").touch()
    for out in (tmp_path / "file" / "run", tmp_path / "file"):
        message = f"{out}: cannot be written ({tmp_path / 'file'} is no folder)"
        told = ["--cohort", cohort, "--out", out]
        assert message in refusal("train", "--recipe", recipe, *told)
        assert message in refusal("evaluate", "--generated", cohort, *told)
        assert message in refusal("montage", "--generated", cohort, *told)
        assert message in refusal("phantom", "--out", out)
        nowhere = ["import", tmp_path / "no", "--layout", "isles24", "--out", out]
        assert message in refusal(*nowhere)
        told = ["--checkpoint", run_folder, "--input", cohort]
        assert f"{tmp_path / 'file'}" in refusal("generate", *told, "--out", out)
    out = tmp_path / "file" / "x.onnx"
    message = f"{tmp_path / 'file'}: cannot be written"
    assert message in refusal("export", "--checkpoint", run_folder, "--out", out)


@pytest.mark.slow
def test_a_run_is_extended_and_another_started_from_it(trained):
    trained("--epochs", "1", out="first")
    text, first = trained("--epochs", "2", out="first")
    assert text.startswith("Trained least for 2 epochs;")
    _, second = trained("--init", first, "--epochs", "1", out="second")
    header = read_header(second / LAST)
    assert header.init == file_digest(first / BEST)
    # Ten slices of 8 mm and 64 x 64 pixels of 3.5 mm, in 32 x 32.
    assert header.sampling == Sampling(pixel_mm=7.0, offset_mm=4.0, slice_mm=8.0)


def test_a_cohort_without_patients_to_train_on_is_refused(refusal, recipe, tmp_path):
    unseen = write_head_cohort(tmp_path / "unseen", ["val"])
    told = ["--recipe", recipe, "--cohort", unseen, "--out", tmp_path / "run"]
    message = "at least one patient must be in split train, got none"
    assert message in refusal("train", *told)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(refusal, recipe, cohort, tmp_path):
    told = ["--recipe", recipe, "--cohort", cohort, "--out", tmp_path / "run"]
    assert "finds no GPU here" in refusal("train", *told, "--device", "cuda")
    assert not (tmp_path / "run").exists()
