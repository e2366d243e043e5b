"""`magic-model perfusion --archive`: a folder with a series of each patient."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from magic_model.batch import FAILURES
from magic_model.cli import main
from magic_model.errors import DataError
from magic_model.perfusion import archive
from magic_model.perfusion.compute import Choices

NAMES = ("MUELLER", "ADAMS", "YILMAZ")


@dataclass(frozen=True)
class Maps:
    """What stands for the maps of a series."""

    content: bytes
    notes: tuple[str, ...]


@pytest.fixture
def quick(monkeypatch):
    """Nothing is computed: what is written holds the bytes of the series."""

    def compute(path, choices):
        if path.read_bytes() == b"no image":
            msg = f"{path}: is no image"
            raise DataError(msg)
        return Maps(path.read_bytes(), (f"times of {path.stem}.json",)), None

    def write(maps, place, look):
        place.mkdir(parents=True, exist_ok=True)
        (place / "cbf.nii.gz").write_bytes(maps.content)
        (place / "report.json").write_text(" ".join(maps.notes))

    monkeypatch.setattr(archive, "open_series", lambda path: path)
    monkeypatch.setattr(archive, "compute_maps", compute)
    monkeypatch.setattr(archive, "write_perfusion", write)


@pytest.fixture
def series(tmp_path):
    """Three patients under a hospital's names."""
    place = tmp_path / "archive"
    for hidden in (place, place / ".hidden"):
        hidden.mkdir()
    for number, name in enumerate(NAMES):
        (place / f"{name}.nii").write_bytes(b"%d" % number)
        (place / f"{name}.json").write_text("{}")
    return place


@pytest.fixture
def run(series, tmp_path, capsys):
    def run(out, *options):
        told = ["perfusion", series, "--archive", "--out", tmp_path / out]
        told += ["--method", "circulant", *options]
        status = main([str(word) for word in told])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def files_of(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.usefixtures("quick")
def test_parts_compute_what_one_process_does_and_name_nobody(run, tmp_path):
    link = tmp_path / "link.csv"
    status, said = run("one", "--link", link)
    assert status == 0
    assert said.startswith(f"Maps of 3 of 3 patients\nMaps in {tmp_path / 'one'}, a f")
    one = files_of(tmp_path / "one")
    status, said = run("parts", "--part", "2/2")
    assert status == 0
    assert "2 patients of other parts to come" in said
    run("parts", "--part", "1/2")
    assert files_of(tmp_path / "parts") == one
    assert len(one) == 3 * 3
    assert one[Path("case-0002/report.json")] == b"times of case-0002"
    for content in one.values():
        assert not [name for name in NAMES if name.encode() in content]
    assert link.read_text().splitlines()[1:] == [
        "case-0001,ADAMS.nii",
        "case-0002,MUELLER.nii",
        "case-0003,YILMAZ.nii",
    ]


@pytest.mark.usefixtures("quick")
def test_a_patient_that_fails_is_told_without_its_name(
    run, series, tmp_path, monkeypatch
):
    right = (series / "MUELLER.nii").read_bytes()
    (series / "MUELLER.nii").write_bytes(b"no image")
    assert run("out")[0] == 2
    status, said = run("out", "--keep-going")
    assert status == 1
    assert "Maps of 2 of 3 patients\n1 patient failed:\n  case-0002: " in said
    table = (tmp_path / "out" / FAILURES).read_text()
    assert table.startswith("patient_id,error\ncase-0002,")
    assert "MUELLER" not in table + said
    (series / "MUELLER.nii").write_bytes(right)
    monkeypatch.setattr(archive, "_mark", note := Noted(archive._mark))
    assert run("out", "--keep-going")[0] == 0
    assert note.names == ["case-0002"]
    assert not (tmp_path / "out" / FAILURES).exists()
    run("out")
    assert note.names == ["case-0002"]
    (tmp_path / "out" / "case-0001" / "cbf.nii.gz").unlink()
    run("out")
    assert note.names == ["case-0002", "case-0001"]


@pytest.mark.slow
def test_maps_are_those_of_one_series(folder, known, run, series, monkeypatch):
    """The brain is given, which is not found in tiles."""
    for path in series.iterdir():
        if path.is_file():
            path.unlink()
    shutil.copy(folder / "ctp.nii.gz", series / "MUELLER.nii.gz")
    times = {"VolumeTiming": list(map(float, known.series.times))}
    (series / "MUELLER.json").write_text(json.dumps(times))
    monkeypatch.setattr(
        archive, "Choices", lambda method: Choices(brain=known.brain, method=method)
    )
    assert run("out")[0] == 0
    out = folder / "out" / "case-0001"
    alone = ["perfusion", folder / "ctp.nii.gz", "--out", folder / "alone"]
    alone += ["--frame-times", folder / "times.txt", "--method", "circulant"]
    alone += ["--brain", folder / "brain.nii.gz"]
    assert main([str(word) for word in alone]) == 0
    for path in (folder / "alone").glob("*.nii.gz"):
        assert (out / path.name).read_bytes() == path.read_bytes()
    assert b"MUELLER" not in b"".join(files_of(out).values())


class Noted:
    """Calls a function and notes the folder it was called with."""

    def __init__(self, function):
        self.function, self.names = function, []

    def __call__(self, place, *rest):
        self.names.append(place.name)
        self.function(place, *rest)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--archive", "--aif", "1,2,3"], "--archive must be given without"),
        (["--part", "1/2"], "must be given with --archive"),
        (["--archive"], "must hold folders, ZIP archives or NIfTI files"),
        (["--archive", "--part", "2"], "A part must be two whole numbers"),
    ],
)
def test_refusals_are_one_sentence(options, message, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    told = ["perfusion", str(tmp_path / "empty"), "--out", str(tmp_path / "out")]
    assert main([*told, *options]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_an_archive_is_a_folder(tmp_path, capsys):
    told = ["perfusion", str(tmp_path / "no"), "--out", str(tmp_path / "out")]
    assert main([*told, "--archive"]) == 2
    assert "an archive must be a folder" in capsys.readouterr().err
