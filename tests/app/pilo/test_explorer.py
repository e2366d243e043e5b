from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pilo.explorer import open_explorer
from app.pilo.view import RATIOS
from magic_model.data.nifti import read_nifti, write_nifti
from magic_model.data.normalise import scale_hounsfield, unscale_map
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.inference.model import TorchBackend
from magic_model.inference.opened import generate_slices
from magic_model.inference.prepare import prepare_ncct
from magic_model.maps import PAPER_MAPS, PerfusionMap
from tests.app.pilo.material import tiny_recipe, write_head, write_run
from tests.magic_model.inference.tiny import (
    small_recipe,
    write_checkpoint,
    write_head_cohort,
    write_head_dicom,
)

CBF, CBV, MTT, TTP = PAPER_MAPS
RATIO = st.sampled_from(RATIOS)
BY_MAP = st.fixed_dictionaries(dict.fromkeys(PAPER_MAPS, RATIO))


@pytest.fixture(scope="module")
def backend(explored, explorer):
    return TorchBackend(explored / "run", explorer._backend._device)


@pytest.fixture(scope="module")
def stack(explored, explorer):
    ncct = read_nifti(explored / "head.nii.gz", Kind.NCCT)
    return prepare_ncct("head", ncct, size=64)


def test_at_ratio_one_maps_are_exactly_those_of_a_whole_pass(explorer, backend, stack):
    generated = generate_slices(stack, backend, batch_size=1)
    assert explorer.n_slices == len(stack.mask) > 5
    for index in range(explorer.n_slices):
        made = explorer.generate(index, dict.fromkeys(PAPER_MAPS, 1.0))
        for name in PAPER_MAPS:
            assert np.array_equal(made[name], generated[name][index])
    assert all(np.ptp(images) > 0.01 for images in generated.values())


@given(ratios=BY_MAP, moved=st.sampled_from(PAPER_MAPS), to=RATIO)
def test_a_ratio_changes_its_own_map_only(explorer, ratios, moved, to):
    index = explorer.fullest
    before = explorer.generate(index, ratios)
    after = explorer.generate(index, ratios | {moved: to})
    changed = {n for n in PAPER_MAPS if not np.array_equal(before[n], after[n])}
    assert changed == ({moved} if to != ratios[moved] else set())


@pytest.mark.slow
@given(ratios=BY_MAP)
def test_any_ratio_gives_what_a_whole_pass_gives(explorer, backend, stack, ratios):
    index = explorer.fullest
    made = explorer.generate(index, ratios)
    (whole,) = backend.predict(scale_hounsfield(stack.ncct[index : index + 1]), ratios)
    for channel, name in enumerate(PAPER_MAPS):
        in_units = unscale_map(whole[channel], name) * stack.mask[index]
        assert np.array_equal(made[name], in_units)


def test_features_are_computed_once_and_only_so_many_are_kept(
    explored, explorer, monkeypatch
):
    monkeypatch.setattr("app.pilo.explorer._KEPT", 2)
    fresh = open_explorer(explored / "run", explored / "head.nii.gz")
    computed = []
    features = fresh._backend.features
    monkeypatch.setattr(
        fresh._backend, "features", lambda ncct: computed.append(1) or features(ncct)
    )
    for index in (0, 1, 0, 1, 0):
        fresh.generate(index, {})
    assert len(computed) == 2
    fresh.generate(2, {})  # 1 was not wanted for longest
    fresh.generate(0, {})
    assert len(computed) == 3
    fresh.generate(1, {})
    assert len(computed) == 4


def test_it_says_what_it_has(explorer, stack):
    assert explorer.origin == "recipe tiny, epoch 1, best.safetensors · head.nii.gz"
    assert explorer.maps == explorer.adjustable == PAPER_MAPS
    assert np.array_equal(explorer.ncct(3), stack.ncct[3, 1])
    assert np.array_equal(explorer.brain(3), stack.mask[3])
    assert explorer.brain(explorer.fullest).sum() == stack.mask.sum((1, 2)).max()


def test_a_cbv_that_follows_from_others_has_no_ratio(tmp_path):
    recipe = tiny_recipe()
    derived = replace(recipe, generator=replace(recipe.generator, derive_cbv=True))
    write_checkpoint(tmp_path / "run", derived)
    opened = open_explorer(tmp_path / "run", write_head(tmp_path))
    assert opened.maps == PAPER_MAPS
    assert opened.adjustable == (CBF, MTT, TTP)


def test_neither_dicom_nor_its_folder_is_named(explored, tmp_path):
    folder = tmp_path / "DOE_JOHN_19480203"
    folder.mkdir()
    write_head_dicom(folder, np.random.default_rng(0))
    opened = open_explorer(explored / "run", folder)
    assert opened.origin.endswith("· DICOM series of 20 images")
    assert opened.n_slices > 5


def test_a_cohort_of_one_patient_will_do(explored, explorer, tmp_path):
    run = explored / "run"
    one = write_head_cohort(tmp_path / "one", ["test"])
    opened = open_explorer(run, one)
    assert opened.origin.endswith("· patient of a cohort")
    assert opened.n_slices > 10  # every slice of the NCCT, not those measured alone
    two = write_head_cohort(tmp_path / "two", ["test", "test"])
    with pytest.raises(DataError, match="must be one NCCT, got a cohort of 2 patients"):
        open_explorer(run, two)


def test_a_network_without_pilo_is_refused(tmp_path):
    recipe = tiny_recipe()
    plain = replace(recipe, generator=replace(recipe.generator, pilo=False))
    write_checkpoint(tmp_path / "run", plain)
    with pytest.raises(DataError, match="tiny must have PILO, got one without it"):
        open_explorer(tmp_path / "run", write_head(tmp_path))


def test_what_cannot_be_used_is_refused_in_one_sentence(tmp_path):
    run, head = write_run(tmp_path / "run"), write_head(tmp_path)
    ncct = read_nifti(head, Kind.NCCT)
    thin = tmp_path / "thin.nii.gz"
    write_nifti(Volume(ncct.array[:, :, 9:10], ncct.affine, Kind.NCCT), thin)
    air = tmp_path / "air.nii.gz"
    write_nifti(ncct.with_array(np.full(ncct.shape, -1000.0)), air)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no weights")
    empty = tmp_path / "empty"
    empty.mkdir()
    for checkpoint, source, message in (
        (run, thin, "must reach 8 mm from bottom to top"),
        (run, air, "air.nii.gz: "),
        (run, broken, "not a readable NIfTI image"),
        (run, Path("nowhere.nii"), "nowhere.nii: no such file"),
        (run, empty, "must hold one CT series, got 0"),
        (broken, head, "not a readable checkpoint"),
        (empty, head, "must hold best.safetensors or last.safetensors"),
    ):
        with pytest.raises(DataError) as caught:
            open_explorer(checkpoint, source)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


def test_other_maps_will_do(tmp_path):
    maps = CBF, PerfusionMap.TMAX
    write_checkpoint(tmp_path / "run", small_recipe(maps))
    opened = open_explorer(tmp_path / "run", write_head(tmp_path))
    assert tuple(opened.generate(0, {PerfusionMap.TMAX: 2.0})) == maps
