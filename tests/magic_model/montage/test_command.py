import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from magic_model.data.cohort import GENERATED_FILE, Patient, read_cohort, write_cohort
from magic_model.data.nifti import write_nifti
from magic_model.data.split import Split
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.montage.cases import add_volumes, draw_cases
from magic_model.montage.picture import MontageLayout
from magic_model.montage.volumes import VolumeLayout
from magic_model.severity import Severity

MAPS = {Kind.CBF: 40.0, Kind.CBV: 3.0, Kind.MTT: 5.0, Kind.TTP: 12.0}


def write(folder, patient_id, arrays, affine):
    images = {}
    for kind, array in arrays.items():
        images[kind] = Path(patient_id) / f"{kind}.nii.gz"
        write_nifti(Volume(array, affine, kind), folder / images[kind])
    return Patient(
        patient_id, Split.TEST, Severity.SEVERE, math.nan, math.nan, math.nan, images
    )


@pytest.fixture
def cohorts(tmp_path):
    """Two patients, the second with fewer slices; generated maps are lower."""
    measured, generated = [], []
    for name, slices in (("P1", 4), ("P2", 2)):
        affine = np.diag([2.0, 2.0, 10.0, 1.0])
        brain = np.zeros((96, 96, slices), dtype=np.float32)
        brain[16:80, 12:84] = 1
        maps = {kind: value * brain for kind, value in MAPS.items()}
        maps[Kind.CBF][60:76, 20:40] = np.nan
        images = {Kind.NCCT: 35 * brain, Kind.BRAIN_MASK: brain, **maps}
        measured.append(write(tmp_path / "m", name, images, affine))
        lower = {kind: 0.5 * np.nan_to_num(array) for kind, array in maps.items()}
        lower[Kind.TTP][:, :24] = lower[Kind.CBF][:, :24] = 0
        generated.append(write(tmp_path / "g", name, lower, affine))
    write_cohort(tmp_path / "m", measured)
    write_cohort(tmp_path / "g", generated, GENERATED_FILE)
    return tmp_path / "m", tmp_path / "g"


def draw(cohorts, out):
    layout = MontageLayout(rows=4, panel=96)
    return draw_cases(*cohorts, out, layout=layout).describe()


def test_truth_is_that_of_digital_patients_alone(cohorts, tmp_path):
    (cohorts[0] / "P2" / "phantom.json").write_text(
        '{"made_by": {"severity": "mild_moderate"}}'
    )
    draw(cohorts, tmp_path / "out")

    with (tmp_path / "out" / "cases.csv").open(newline="") as file:
        truth = [(row["truth"], row["truth_source"]) for row in csv.DictReader(file)]
    assert truth == [("", ""), ("mild_moderate", "planted in the phantom")]


def test_two_pictures_per_case_and_a_table_that_names_them(cohorts, tmp_path):
    text = draw(cohorts, tmp_path / "out")
    assert text.splitlines()[0] == f"2 cases in {tmp_path / 'out'}: 2 severe"
    assert "worst map of all cases: measured" in text
    with (tmp_path / "out" / "cases.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["case"] for row in rows] == ["P1", "P2"]
    names = [
        row[column] for row in rows for column in ("reference_image", "test_image")
    ]
    pictures = [np.asarray(Image.open(tmp_path / "out" / name)) for name in names]
    assert len({picture.shape for picture in pictures}) == 1
    assert not np.array_equal(pictures[0], pictures[1])
    ncct = slice(0, 96)
    assert np.array_equal(pictures[0][:, ncct], pictures[1][:, ncct])


def test_the_same_cohort_twice_gives_the_same_bytes(cohorts, tmp_path):
    measured, _ = cohorts
    (measured / "cohort.csv").rename(measured / GENERATED_FILE)
    (measured / "cohort.csv").write_bytes((measured / GENERATED_FILE).read_bytes())
    draw((measured, measured), tmp_path / "out")
    for case in ("P1", "P2"):
        stem = tmp_path / "out" / "montages" / case
        one, two = (Path(f"{stem}_{x}.png").read_bytes() for x in ("reference", "test"))
        assert one == two


def test_a_run_that_fails_leaves_no_table(cohorts, tmp_path):
    draw(cohorts, tmp_path / "out")
    (cohorts[1] / "P2" / "mtt.nii.gz").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"mtt\.nii\.gz: not a readable"):
        draw(cohorts, tmp_path / "out")
    assert not (tmp_path / "out" / "cases.csv").exists()


def test_a_severity_that_is_not_known_is_a_class_of_its_own(cohorts, tmp_path):
    measured, _ = cohorts
    rows = read_cohort(measured).patients
    write_cohort(measured, [rows[0], replace(rows[1], severity=None)])
    text = draw(cohorts, tmp_path / "out")
    assert f"1 {rows[0].severity}, 1 unknown" in text
    table = (tmp_path / "out" / "cases.csv").read_text().splitlines()
    assert table[2].startswith("P2,unknown,")


def test_volumes_are_beside_the_montages_on_one_grid_and_in_the_table(
    cohorts, tmp_path
):
    layout = VolumeLayout(slices=4, size=96, pixel_mm=2.0, spacing_mm=10.0)
    drawn = draw_cases(*cohorts, tmp_path, layout=MontageLayout(rows=4, panel=96))
    assert "test_volume" not in drawn.to_frame()
    drawn = add_volumes(drawn, *cohorts, layout)
    with (tmp_path / "cases.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows == drawn.to_frame().to_dict("records")
    paths = [tmp_path / r[f"{m}_volume"] for r in rows for m in ("reference", "test")]
    found = [dict(np.load(path)) for path in paths]
    for one in found:
        assert np.array_equal(one["affine"], found[0]["affine"])
        assert one["about"] == found[0]["about"]
        assert {one[f"panel_{n}"].shape for n in range(5)} == {(4, 96, 96)}
    # 40 of 60 mL/100g/min, and half of it.
    assert found[0]["panel_2"].max() == round(40 / 60 * 255)
    assert found[1]["panel_2"].max() == round(20 / 60 * 255)
    assert np.array_equal(found[0]["panel_0"], found[1]["panel_0"])
    # The patient of two slices has them in the middle, like any other.
    shown = [one["panel_2"].any((1, 2)).tolist() for one in found[::2]]
    assert shown == [[True] * 4, [False, True, True, False]]
