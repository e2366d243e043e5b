"""`import magic_model`: what a researcher types, and what it says to a slip."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import magic_model
from magic_model.data.cohort import GENERATED_FILE, read_cohort
from magic_model.data.nifti import read_nifti, write_nifti
from magic_model.data.volume import UNITS
from magic_model.maps import PAPER_MAPS
from tests.magic_model.data.conftest import make_head
from tests.magic_model.inference.tiny import (
    small_recipe,
    write_checkpoint,
    write_head_cohort,
    write_head_dicom,
)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("run"), small_recipe()).parent


@pytest.fixture(scope="module")
def model(run_folder):
    return magic_model.load(str(run_folder / "best.safetensors"), device="cpu")


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    path = tmp_path_factory.mktemp("scan") / "ncct.nii.gz"
    write_nifti(make_head(noise=3.0).ncct, path)
    return path


@pytest.fixture(scope="module")
def maps(model, scan):
    return model.generate(str(scan))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_head_cohort(tmp_path_factory.mktemp("heads"))


def in_a_new_process(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


def test_the_import_is_quick_and_needs_no_library():
    code = """
import sys, time
start = time.process_time()  # whatever else is running
import magic_model
seconds = time.process_time() - start
heavy = {"torch", "numpy", "scipy", "pandas", "matplotlib", "nibabel", "typer"}
print(seconds, *heavy & set(sys.modules))
"""
    runs = [in_a_new_process(code).stdout.split() for _ in range(3)]
    assert [heavy for _, *heavy in runs] == [[], [], []]
    assert min(float(seconds) for seconds, *_ in runs) < 0.1


def test_every_name_is_there_and_listed():
    for name in magic_model.__all__:
        assert getattr(magic_model, name) is not None
        assert name in dir(magic_model)
    assert magic_model.__all__ == sorted(
        magic_model.__all__, key=lambda name: (not name.isupper(), name)
    )
    assert set(magic_model._MODULES) == set(magic_model.__all__)
    assert magic_model.__version__ == "0.1.0"
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = magic_model.nothing


@pytest.mark.slow
def test_names_can_be_imported_all_at_once():
    done = in_a_new_process("from magic_model import *; print(load, ssim, read_cohort)")
    assert done.returncode == 0, done.stderr


def test_maps_are_arrays_in_units_by_their_names(maps):
    assert maps.keys() == list(maps) == list(PAPER_MAPS)
    assert len(maps) == 4
    for name in PAPER_MAPS:
        assert maps[name] is maps[name.upper()] is maps[str(name)]
        assert maps[name].shape == maps.mask.shape
        assert maps.units[name] == UNITS[magic_model.Kind(name.value)]
    cbf = maps["CBF"]
    assert 0 < cbf[maps.mask.array > 0].mean() < 60
    assert not cbf[maps.mask.array == 0].any()
    assert maps.affine.shape == (4, 4)
    assert maps.volume("CBF").unit == "mL/100g/min"
    assert "CBF" in maps
    assert "Tmax" not in maps
    with pytest.raises(ValueError, match="among CBF, CBV, MTT, TTP, got 'Tmax'"):
        _ = maps["Tmax"]


def test_maps_and_models_describe_themselves(maps, model):
    assert repr(maps).startswith("GeneratedMaps('case-1': CBF, CBV, MTT, TTP; ")
    assert len(repr(maps)) < 120
    assert "Research use only" in maps._repr_html_()
    assert "recipe small" in repr(model)
    assert model.maps == PAPER_MAPS
    frame = maps.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.index) == ["CBF", "CBV", "MTT", "TTP"]
    inside = maps["CBF"][maps.mask.array > 0]
    assert frame.loc["CBF", "mean"] == pytest.approx(inside.mean(), rel=1e-5)
    assert frame.loc["CBF", "sd"] == pytest.approx(inside.std(), rel=1e-4)
    assert (frame["min"] <= frame["mean"]).all()


def test_saved_maps_are_those_of_the_command(maps, scan, run_folder, tmp_path):
    from magic_model.cli import main

    told = ["--checkpoint", run_folder, "--input", scan, "--out", tmp_path / "one"]
    assert main(["generate", *map(str, told), "--device", "cpu"]) == 0
    assert maps.save(str(tmp_path / "two")) == tmp_path / "two" / "case-1"
    one, two = (
        {p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()}
        for f in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two  # generated.json and generated.csv included
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "two").rglob("*.nii.gz")}
    told[-1] = tmp_path / "two"
    assert main(["generate", *map(str, told), "--device", "cpu"]) == 0
    assert stamps == {p: p.stat().st_mtime_ns for p in stamps}  # found to be current


@pytest.mark.slow
def test_patients_are_saved_beside_one_another(model, scan, tmp_path):
    model.generate(scan, name="A").save(tmp_path)
    model.generate(scan, name="B", ratio=2.0).save(tmp_path, dicom=True)
    model.generate(scan, name="A", ratio=3.0).save(tmp_path)
    rows = read_cohort(tmp_path, GENERATED_FILE).patients
    assert [row.patient_id for row in rows] == ["A", "B"]
    read = magic_model.read_volume(tmp_path / "B" / "cbf.dcm")
    stored = magic_model.read_volume(tmp_path / "B" / "cbf.nii.gz", "CBF")
    assert np.array_equal(read.array, stored.array)
    assert read.kind is magic_model.Kind.CBF


def test_a_volume_a_file_and_a_dicom_folder_give_the_same_maps(model, tmp_path):
    head = write_head_dicom(tmp_path / "dicom", np.random.default_rng(0))
    write_nifti(head, tmp_path / "head.nii.gz")
    whole = magic_model.read_volume(tmp_path / "dicom")
    from_folder = model.generate(tmp_path / "dicom")
    from_file = model.generate(tmp_path / "head.nii.gz")
    from_volume = model.generate(whole)
    assert np.array_equal(from_folder["CBF"], from_volume["CBF"])
    np.testing.assert_allclose(from_file["CBF"], from_volume["CBF"], atol=0.5)


def test_a_dicom_series_can_be_named(model, tmp_path):
    write_head_dicom(tmp_path / "dicom", np.random.default_rng(0))
    with pytest.raises(ValueError, match="series 99"):
        model.generate(tmp_path / "dicom", series=99)
    with pytest.raises(ValueError, match="DICOM folder alone, got 2"):
        model.generate(volume(), series=2)


def test_settings_change_the_maps(model, scan, maps):
    assert not np.array_equal(model.generate(scan, ratio=4.0)["MTT"], maps["MTT"])
    finer = model.generate(scan, spacing_mm=4.0)
    assert finer["MTT"].shape[2] > maps["MTT"].shape[2]
    one_by_one = model.generate(scan, batch_size=1)
    np.testing.assert_allclose(one_by_one["MTT"], maps["MTT"], atol=1e-4)


@pytest.mark.slow
def test_a_run_folder_and_an_onnx_model_are_loaded(run_folder, model, scan, tmp_path):
    assert magic_model.load(run_folder, "cpu").path == model.path
    magic_model.export_onnx(str(run_folder), str(tmp_path / "model.onnx"))
    other = magic_model.load(str(tmp_path / "model.onnx"))
    assert (other.maps, other.size) == (model.maps, model.size)
    assert other.recipe_name == model.recipe_name
    np.testing.assert_allclose(
        other.generate(scan)["CBF"], model.generate(scan)["CBF"], atol=1e-3
    )


@pytest.mark.slow
def test_an_onnx_model_needs_no_torch(run_folder, scan, tmp_path):
    magic_model.export_onnx(run_folder, tmp_path / "model.onnx")
    code = f"""
import sys
sys.modules["torch"] = None
import magic_model
maps = magic_model.load({str(tmp_path / "model.onnx")!r}).generate({str(scan)!r})
print(maps["CBF"].mean() > 0)
"""
    done = in_a_new_process(code)
    assert done.stdout == "True\n", done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("package", ["torch", "safetensors"])
def test_a_missing_extra_is_named(run_folder, package):
    code = f"""
import sys
sys.modules[{package!r}] = None
import magic_model
try:
    magic_model.load({str(run_folder)!r})
except ModuleNotFoundError as error:
    print(error)
"""
    done = in_a_new_process(code)
    expected = f"{package} is not installed; install magic-ctp[model]\n"
    assert done.stdout == expected, done.stderr


@pytest.mark.slow
def test_training_gives_a_model(cohort, tmp_path):
    recipe = small_recipe()
    model = magic_model.train(
        str(cohort), str(tmp_path / "run"), recipe, epochs=1, device="cpu"
    )
    assert model.path == tmp_path / "run" / "best.safetensors"
    assert (tmp_path / "run" / "samples" / "epoch-0001.png").exists()
    patient = read_cohort(cohort).patients[2]
    assert model.generate(cohort / patient.images[magic_model.Kind.NCCT])


def test_montages_and_figures_of_a_cohort(cohort, model, tmp_path):
    paths = [cohort / p.images["ncct"] for p in read_cohort(cohort).patients]
    for path in paths:
        model.generate(path, name=path.parent.name).save(tmp_path / "generated")
    drawn = magic_model.draw_montages(
        str(cohort),
        str(tmp_path / "generated"),
        str(tmp_path / "m"),
        slices=4,
        panel=96,
    )
    assert [case.name for case in drawn.cases] == ["P3"]
    assert (tmp_path / "m" / "cases.csv").exists()


@pytest.mark.slow
def test_an_evaluation_is_a_frame_and_a_folder(cohort, model, tmp_path):
    for patient in read_cohort(cohort).patients:
        path = cohort / patient.images["ncct"]
        model.generate(path, name=patient.patient_id).save(tmp_path / "generated")
    names = {"small": str(tmp_path / "generated")}
    found = magic_model.evaluate(str(cohort), names, str(tmp_path / "out"))
    assert (tmp_path / "out" / "evaluation.html").exists()
    frame = found.to_frame()
    assert set(frame["method"]) >= {"small", "black"}
    assert "small" in repr(found)
    assert len(repr(found)) < 200


@pytest.mark.slow
def test_a_phantom_is_a_cohort(tmp_path):
    made = magic_model.make_phantom(
        str(tmp_path / "cases"), {"none": 1}, seed=3, exact=True
    )
    assert [str(patient.severity) for patient in made.patients] == ["none"]
    again = magic_model.read_cohort(str(tmp_path / "cases"))
    assert again.patients[0].patient_id == made.patients[0].patient_id
    assert (tmp_path / "cases" / "report.html").exists()


def test_networks_are_built_from_a_recipe_or_its_name():
    recipe = magic_model.load_recipe("tiny")
    by_name, by_recipe = (
        magic_model.count_parameters(magic_model.build_generator(given))
        for given in ("tiny", recipe)
    )
    assert by_name == by_recipe > 0
    assert magic_model.count_parameters(magic_model.build_discriminator("tiny")) > 0


def volume():
    return magic_model.Volume(np.zeros((2, 2, 2)), np.eye(4), "ncct")


SLIPS = {
    "MAP_SPECS": [],
    "DataError": [],
    "Cohort": [lambda f: f(3, []), lambda f: f("c", None), lambda f: f("c", ["P1"])],
    "GeneratedMaps": [],  # see `maps` above
    "Kind": [lambda f: f("cbx"), lambda f: f(None)],
    "Model": [lambda f: f("run"), lambda f: f(None)],
    "PerfusionMap": [lambda f: f("cbx"), lambda f: f(7)],
    "Recipe": [
        lambda f: f(name=3),
        lambda f: f(name="x", maps="cbf"),
        lambda f: f(name="x", data=None),
        lambda f: f(name="x", maps=()),
    ],
    "Volume": [
        lambda f: f("x", np.eye(4), "cbf"),
        lambda f: f(np.zeros((2, 2)), np.eye(4), "cbf"),
        lambda f: f(np.zeros((2, 2, 2)), np.eye(3), "cbf"),
        lambda f: f(np.zeros((2, 2, 2)), "x", "cbf"),
        lambda f: f(np.zeros((2, 2, 2)), np.eye(4), "x"),
        lambda f: f(None, None, None),
    ],
    "build_discriminator": [lambda f: f("magick"), lambda f: f(None)],
    "build_generator": [lambda f: f("magick"), lambda f: f(None), lambda f: f(3)],
    "count_parameters": [lambda f: f("tiny"), lambda f: f(None)],
    "draw_montages": [
        lambda f: f("nowhere", "nowhere", "out"),
        lambda f: f(None, "nowhere", "out"),
        lambda f: f("nowhere", "nowhere", "out", slices=0),
        lambda f: f("nowhere", "nowhere", "out", panel="x"),
    ],
    "evaluate": [
        lambda f: f("nowhere", "nowhere"),
        lambda f: f("nowhere", None),
        lambda f: f("nowhere", {}),
        lambda f: f("nowhere", "nowhere", seed=-1),
        lambda f: f("nowhere", "nowhere", jobs=0),
    ],
    "export_onnx": [
        lambda f: f("nowhere", "x.onnx"),
        lambda f: f("nowhere", "x.pt"),
        lambda f: f(None, None),
    ],
    "load": [
        lambda f: f("nowhere"),
        lambda f: f("nowhere.onnx"),
        lambda f: f(""),
        lambda f: f(None),
        lambda f: f("nowhere", device="tpu"),
        lambda f: f("nowhere", device=None),
    ],
    "load_recipe": [lambda f: f("magick"), lambda f: f(None), lambda f: f(3)],
    "make_phantom": [
        lambda f: f("x", 0),
        lambda f: f("x", -1),
        lambda f: f("x", 1.5),
        lambda f: f("x", "three"),
        lambda f: f("x", {"ill": 3}),
        lambda f: f("x", {"none": -1}),
        lambda f: f("x", {"none": 0.5}),
        lambda f: f("x", 1, seed=-1),
        lambda f: f("x", 1, seed="one"),
        lambda f: f("x", 1, jobs=0),
        lambda f: f(None, 1),
    ],
    "read_cohort": [lambda f: f("nowhere"), lambda f: f(None), lambda f: f(3)],
    "read_volume": [
        lambda f: f("nowhere.nii.gz"),
        lambda f: f("nowhere.dcm"),
        lambda f: f(Path(__file__)),
        lambda f: f(Path(__file__).parent),
        lambda f: f("nowhere.nii.gz", "cbx"),
        lambda f: f("nowhere.nii.gz", None),
        lambda f: f(None),
    ],
    "ssim": [
        lambda f: f(np.ones((16, 16)), np.ones((16, 15)), 1.0),
        lambda f: f(np.ones((16, 16)), np.ones((16, 16)), 0),
        lambda f: f(np.ones((16, 16)), np.ones((16, 16)), "x"),
        lambda f: f(np.ones((16, 16)), np.ones((16, 16)), None),
        lambda f: f("a", "b", 1.0),
        lambda f: f(None, None, 1.0),
        lambda f: f(np.ones((16, 16)), np.ones((16, 16)), 1.0, mask=np.ones(3)),
    ],
    "train": [
        lambda f: f("nowhere", "run"),
        lambda f: f("nowhere", "run", "magick"),
        lambda f: f("nowhere", "run", None),
        lambda f: f("nowhere", "run", "tiny", epochs=0),
        lambda f: f("nowhere", "run", "tiny", epochs=1.5),
        lambda f: f("nowhere", "run", "tiny", seed=-1),
        lambda f: f("nowhere", "run", "tiny", device="tpu"),
        lambda f: f(None, None),
    ],
    "uqi": [
        lambda f: f(np.ones((16, 16)), np.ones((16, 15))),
        lambda f: f("a", "b"),
        lambda f: f(None, None),
        lambda f: f(np.ones((2, 2)), np.ones((2, 2))),
    ],
    "uqi_paper": [
        lambda f: f(np.ones((16, 16)), np.ones((16, 15))),
        lambda f: f("a", "b"),
        lambda f: f(None, None),
    ],
}


def test_every_public_name_is_asked_for_slips():
    assert set(SLIPS) == set(magic_model.__all__)


@pytest.mark.parametrize(
    ("name", "slip"),
    [
        pytest.param(name, slip, id=f"{name}-{number}")
        for name, slips in SLIPS.items()
        for number, slip in enumerate(slips)
    ],
)
def test_a_slip_is_answered_in_a_sentence(name, slip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, TypeError)) as caught:
        slip(getattr(magic_model, name))
    said = str(caught.value)
    assert "has no attribute" not in said
    assert "unsupported operand" not in said
    assert any(w in said for w in ("must", "nowhere", "not a readable")), said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "slip",
    [
        lambda model, _scan: model.generate("nowhere.nii.gz"),
        lambda model, _scan: model.generate(None),
        lambda model, _scan: model.generate(np.zeros((4, 4, 4))),
        lambda model, _scan: model.generate(
            volume().with_array(np.ones((2,) * 3), "cbf")
        ),
        lambda model, _scan: model.generate(volume()),
        lambda model, scan: model.generate(scan, ratio=0),
        lambda model, scan: model.generate(scan, ratio="x"),
        lambda model, scan: model.generate(scan, batch_size=0),
        lambda model, scan: model.generate(scan, spacing_mm=-1),
        lambda model, scan: model.generate(scan, spacing_mm="x"),
        lambda model, scan: model.generate(scan, name="../x"),
        lambda model, scan: model.generate(scan, name=None),
    ],
)
def test_a_slip_in_generating_is_answered_in_a_sentence(slip, model, scan):
    with pytest.raises(ValueError, match=r"must|no such file") as caught:
        slip(model, scan)
    assert "has no attribute" not in str(caught.value)


def test_a_cohort_is_not_one_head(model, cohort):
    with pytest.raises(ValueError, match=r"must be one NIfTI file.*cohort of 3"):
        model.generate(cohort)


def test_maps_do_not_replace_what_they_were_made_from(model, tmp_path):
    path = tmp_path / "case-1" / "cbf.nii.gz"
    write_nifti(make_head().ncct, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="is an image of the input"):
        model.generate(path).save(tmp_path)
    assert path.read_bytes() == before
    assert read_nifti(path, "ncct").shape == make_head().ncct.shape
