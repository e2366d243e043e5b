"""What the key restores, and what it refuses."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reader_study.building.builder import build_study
from reader_study.building.restoring import restore_study
from reader_study.building.sealing import unseal
from reader_study.design.truth import Truth, commitment
from reader_study.errors import StudyError
from reader_study.formats.manifest import read_manifest
from tests.reader_study.material import COUNTS, PASSPHRASE, request, write_cases
from tests.reader_study.practising import PRACTISING, write_training

OLD_STUDY = Path(__file__).parents[1] / "fixtures" / "old_study"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("restoring")
    write_cases(folder, dict.fromkeys(COUNTS, 1), spare=0)
    write_training(folder)
    build_study(request(folder, PRACTISING, jobs=1))
    return folder, unseal(folder / "KEY", [PASSPHRASE])


@pytest.fixture
def place(built, tmp_path):
    """A copy of the study, with the content of its key and the montages."""
    folder, truth = built
    study = shutil.copytree(folder / "STUDY", tmp_path / "STUDY")
    return study, truth, folder


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.*")}


def test_all_but_one_picture_is_made_again(place):
    study, truth, montages = place
    before = contents(study)
    kept = min((study / "images").iterdir())
    for path in study.rglob("*.*"):
        if path != kept:
            path.unlink()
    shutil.rmtree(study / "training")

    done = restore_study(study, truth, montages)
    assert done.left == ()
    assert len(done.files) == len(before) - 1
    assert contents(study) == before
    assert restore_study(study, truth, montages).to_text() == "Nothing is damaged."


def test_padding_is_known_to_the_holder_of_the_seed_alone(built):
    folder, truth = built
    seed = truth.details["padding"].encode()
    for path in (folder / "STUDY").rglob("*.*"):
        assert seed not in path.read_bytes()
    cells = list(truth.cells)
    files = [(folder / "STUDY" / "images" / f"{t}.png").read_bytes() for t in cells]
    assert len({content[-200:] for content in files}) == len(cells)


def test_the_copies_are_no_part_of_what_is_committed_to(built):
    folder, truth = built
    manifest = read_manifest(folder / "STUDY" / "manifest.json")
    assert manifest.commitment == commitment(truth)
    assert commitment(replace(truth, copies={})) == manifest.commitment
    assert set(truth.copies) == {
        "manifest.json", "study.toml", "questionnaire.json", "training/training.json",
    }  # fmt: skip
    assert Truth.from_dict(truth.to_dict()) == truth


def test_a_montage_that_is_gone_or_another_is_named_by_its_hash(place, tmp_path):
    study, truth, _ = place
    path = min((study / "images").iterdir())
    path.write_bytes(b"torn")
    (tmp_path / "others").mkdir()
    pixels = np.zeros((40, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "others" / "a.PNG")

    done = restore_study(study, truth, tmp_path / "others")
    (left,) = done.left
    cell = truth.cells[path.stem]
    assert left.startswith(f"images/{path.name} needs a montage with SHA-256 ")
    assert cell.case not in left
    assert cell.method not in left
    with pytest.raises(StudyError, match="must be the folder of the montages"):
        restore_study(study, truth, tmp_path / "nowhere")


def test_another_compressor_is_told(place, monkeypatch):
    study, truth, montages = place
    min((study / "images").iterdir()).unlink()
    monkeypatch.setattr("reader_study.building.png._LEVEL", 9)
    (left,) = restore_study(study, truth, montages).left
    assert "cannot be made with zlib" in left


def test_the_key_of_another_study_restores_nothing(place):
    study, truth, _ = place
    for path in [*(study / "images").iterdir(), *study.glob("training/*.png")]:
        path.rename(path.with_stem("0" + path.stem))
    (study / "manifest.json").write_text("{}")
    with pytest.raises(StudyError, match="must be the study of this key"):
        restore_study(study, truth)
    assert (study / "manifest.json").read_text() == "{}"


def test_a_key_without_seed_or_copies_is_refused_with_the_reason(place):
    study, truth, montages = place
    details = {n: x for n, x in truth.details.items() if n != "padding"}
    for earlier in (replace(truth, copies={}), replace(truth, details=details)):
        with pytest.raises(StudyError, match="padding of its pictures was not kept"):
            restore_study(study, earlier, montages)


@pytest.mark.slow
def test_an_earlier_key_is_refused_with_the_reason(tmp_path):
    passphrase = "four words that anybody may know"  # noqa: S105
    truth = unseal(OLD_STUDY / "study.key", [passphrase])
    study = shutil.copytree(OLD_STUDY / "STUDY", tmp_path / "STUDY")
    with pytest.raises(StudyError, match="padding of its pictures was not kept"):
        restore_study(study, truth, tmp_path)
    assert truth.copies == {}
    assert "copies" not in truth.to_dict()
