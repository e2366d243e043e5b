"""`magic-model montage`, as people run it."""

import csv

import pytest
from PIL import Image


@pytest.fixture
def generated(command, cohort, run_folder, tmp_path):
    out = tmp_path / "generated"
    told = ["--checkpoint", run_folder, "--input", cohort, "--out", out]
    command("generate", *told)
    return out


def test_cases_and_their_pictures_are_written(command, cohort, generated, tmp_path):
    out = tmp_path / "study"
    options = ["--slices", "3", "--panel", "96"]
    told = ["--cohort", cohort, "--generated", generated, "--out", out]
    text = command("montage", *told, *options)
    assert text.startswith(f"1 case in {out}: 1 severe")  # those of the test split
    with (out / "cases.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["case"], row["severity"]) == ("P3", "severe")
    sizes = set()
    for column in ("reference_image", "test_image"):
        with Image.open(out / row[column]) as picture:
            sizes.add(picture.size)
    ((width, height),) = sizes
    assert width >= 5 * 96
    assert height >= 3 * 96
    text = command("montage", *told, *options, "--split", "all")
    assert text.startswith("3 cases in")


def test_what_cannot_be_drawn_is_said(refusal, cohort, generated, tmp_path):
    def refused(*options, cohort=cohort, generated=generated):
        told = ["--cohort", cohort, "--generated", generated, "--out", tmp_path / "x"]
        return refusal("montage", *told, *options)

    assert "generated.csv" in refused(generated=tmp_path)
    assert "cohort.csv" in refused(cohort=tmp_path)
    assert "tests" in refused("--split", "tests")
    assert "got 0" in refused("--slices", "0")
    assert not (tmp_path / "x").exists()
