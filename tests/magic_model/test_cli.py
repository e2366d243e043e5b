"""The command as people run it."""

import subprocess
import sys
import types

import numpy as np
import pytest

from magic_model.cli import main
from magic_model.data.nifti import write_nifti
from magic_model.data.volume import Kind
from tests.magic_model.importing.test_importing import head


@pytest.fixture
def table(tmp_path):
    """A table of paths, as layout `nifti` wants it, with two patients."""
    kinds = [Kind.NCCT, Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP, Kind.BRAIN_MASK]
    lines = [",".join(["patient_id", *kinds])]
    for name, seed in (("AA", 1), ("BB", 2)):
        images = head(seed)
        for kind in kinds:
            write_nifti(images[kind], tmp_path / "raw" / name / f"{kind}.nii.gz")
        lines.append(",".join([name, *(f"{name}/{kind}.nii.gz" for kind in kinds)]))
    path = tmp_path / "raw" / "patients.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_of_paths_is_imported_and_checked(table, tmp_path, capsys):
    out = tmp_path / "cohort"
    arguments = ["--layout", "nifti", "--out", str(out), "--link", str(out) + ".csv"]
    assert main(["import", str(table), *arguments]) == 0
    printed = capsys.readouterr().out
    assert printed.count(" 1.0000 ") == 2
    assert "2 patients in" in printed
    assert (out / "report.html").exists()
    assert "AA" in (tmp_path / "cohort.csv").read_text()
    assert main(["import", "--check", str(out)]) == 0
    assert capsys.readouterr().out.count("1.00000") == 2


def test_a_broken_patient_shows_in_the_exit_status(table, tmp_path, capsys):
    (table.parent / "BB" / "cbf.nii.gz").write_bytes(b"no image")
    out = tmp_path / "cohort"
    assert main(["import", str(table), "--layout", "nifti", "--out", str(out)]) == 1
    assert "BB: " in capsys.readouterr().out


@pytest.mark.slow
def test_phantom_patients_are_made_and_consistent(tmp_path, capsys):
    out = tmp_path / "cohort"
    assert main(["phantom", "--patients", "3", "--seed", "1", "--out", str(out)]) == 0
    assert "3 patients in" in capsys.readouterr().out
    assert (out / "report.html").read_text().count("<section>") == 3
    assert main(["import", "--check", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    numbers = np.array([[float(x) for x in line.split()[1:3]] for line in lines])
    assert numbers[:, 0] == pytest.approx(1, abs=0.01)
    assert (numbers[:, 1] > 0.999).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import"], "Give --layout, the data's folder and --out"),
        (["import", "x", "--layout", "nope", "--out", "y"], "nope"),
        (["import", "--check", "nowhere"], "nowhere"),
        (
            ["phantom", "--out", "x", "--patients", "0"],
            "1 patient or more, got 0",
        ),
        (["phantom", "--out", "x", "--severities", "7,6"], "as 7,6,7, got '7,6'"),
        (["phantom", "--out", "x", "--severities", "0,0,0"], "or more, got 0"),
        (["phantom", "--out", "x", "--seed", "-1"], "Invalid value for '--seed'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert "Traceback" not in printed.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["magic_model", "magic_model.cli"])
def test_a_module_is_run_as_the_command(module):
    run = subprocess.run(
        [sys.executable, "-m", module], capture_output=True, text=True, check=True
    )
    assert "Usage: " in run.stdout
    assert "phantom" in run.stdout


def test_without_a_command_there_is_help(capsys):
    assert main([]) == 0
    assert "Usage: " in capsys.readouterr().out


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from magic_model.cli import main; main(['--help']); "
        "heavy = {'numpy', 'scipy', 'nibabel', 'nilearn', 'torch'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "phantom" in run.stdout


def test_a_missing_extra_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "magic_model.phantom.generate", None)
    with pytest.raises(ModuleNotFoundError):  # a fault of the program stays one
        main(["phantom", "--out", str(tmp_path / "x")])

    def missing(*_, **__):
        raise ModuleNotFoundError(name="pydicom")

    stand_in = types.SimpleNamespace(make_cohort=missing)
    monkeypatch.setitem(sys.modules, "magic_model.phantom.generate", stand_in)
    assert main(["phantom", "--out", str(tmp_path / "x")]) == 2
    assert "install magic-ctp[dicom]" in capsys.readouterr().err
