"""Volumes of a case: the same grid and rule for both methods."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from magic_model.colours import PERFUSION_COLOURS
from magic_model.data.paired import PairedSlices
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.montage import volumes
from magic_model.montage.picture import MONTAGE_MAPS, colour_drawn

LAYOUT = volumes.VolumeLayout(slices=5, size=96, pixel_mm=1.0, spacing_mm=1.0)


@pytest.fixture
def written(patient, tmp_path, monkeypatch):
    """A case of three slices in a volume of five; one value of a map is not known."""
    stack = patient.stack
    stack.maps[PerfusionMap.CBF][1, 40, 40] = np.nan
    pair = PairedSlices(SimpleNamespace(patient_id="P1"), stack, stack.maps)
    # Slices one below and one above those of the maps; x is the HU, up is + 100.
    array = np.arange(96)[:, None, None] + 100 * np.arange(5) + np.zeros((96, 96, 5))
    affine = np.eye(4)
    affine[2, 3] = -1
    ncct = Volume(array, affine, Kind.NCCT)
    monkeypatch.setattr(volumes, "pair_slices", lambda *_, **__: [pair])
    cohort = SimpleNamespace(load=lambda *_: ncct)
    (paths,) = volumes.write_volumes(cohort, None, tmp_path, LAYOUT)
    return tmp_path, paths, stack


def test_both_methods_have_one_grid_and_the_same_ncct(written):
    folder, paths, _ = written
    assert [path.as_posix() for path in paths] == [
        "volumes/P1_reference.npz", "volumes/P1_test.npz",
    ]  # fmt: skip
    one, other = (dict(np.load(folder / path)) for path in paths)
    assert set(one) == {"affine", "about", *(f"panel_{n}" for n in range(5))}
    for name, array in one.items():
        assert np.array_equal(array, other[name])
    assert np.array_equal(one["affine"], LAYOUT.affine)
    panels = json.loads(str(one["about"]))["panels"]
    assert [p["name"] for p in panels] == ["NCCT", "CBV", "CBF", "MTT", "TTP"]
    assert [p["dtype"] for p in panels] == ["int16"] + ["uint8"] * 4


def test_ncct_goes_on_beyond_the_maps_and_lies_as_readers_expect(written):
    folder, (path, _), _ = written
    ncct = np.load(folder / path)["panel_0"]
    assert ncct.shape == (5, 96, 96)
    # Column 0 is the patient's right, the largest x; the lowest slice comes first.
    assert ncct[:, 50, 0].tolist() == [95, 195, 295, 395, 495]
    assert ncct[0, 50, 95] == 0


def test_codes_are_the_colours_of_the_montage_and_0_outside_the_mask(written):
    folder, (path, _), stack = written
    given = np.load(folder / path)
    for n, name in enumerate(MONTAGE_MAPS, 1):
        codes = given[f"panel_{n}"]
        assert not codes[[0, 4]].any()
        assert not codes[1:4][~stack.mask].any()
        drawn = np.where(stack.mask[..., None], colour_drawn(stack.maps[name], name), 0)
        assert np.array_equal(PERFUSION_COLOURS[codes[1:4]], drawn)


def test_a_volume_that_cannot_be_written_leaves_nothing(written, monkeypatch):
    folder, *_ = written
    (folder / "taken").write_text("a file, not a folder")
    with pytest.raises(DataError, match="cannot be written"):
        volumes._write(folder / "taken" / "x.npz", [], LAYOUT)
