"""The machine's test has to fail where it should, or it means nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from magic_model.data.cohort import Cohort
from magic_model.evaluation import machine
from magic_model.evaluation.realism import (
    EXTREMES,
    HALVES,
    JOINTLY,
    MapRealism,
    Realism,
    measure_realism,
)
from magic_model.evaluation.selection import select
from magic_model.evaluation.tables import all_tables
from magic_model.evaluation.writing import as_json, describe
from magic_model.maps import PerfusionMap
from magic_model.metrics.method_agreement import Interval

CBF = PerfusionMap.CBF
PATIENTS = 5


@pytest.fixture(scope="module")
def textures():
    """Patches of each patient: measured, with speckle; blurred; blurred with noise."""
    rng = np.random.default_rng(3)
    shape = (12, 1, machine.PATCH, machine.PATCH)
    kinds = {"measured": [], "blurred": [], "noisy": [], "again": []}
    for _ in range(PATIENTS):
        level = 1 + 0.3 * rng.random()  # patients differ

        def speckle(level=level):
            fine = ndimage.gaussian_filter(rng.normal(size=shape), (0, 0, 1, 1))
            return level * fine / fine.std()

        clean = ndimage.gaussian_filter(speckle(), (0, 0, 3, 3))
        kinds["measured"].append(speckle())
        kinds["again"].append(speckle())
        kinds["blurred"].append(clean)
        white = rng.normal(size=shape) * math.sqrt(level**2 - clean.var())
        kinds["noisy"].append(clean + white)
    return {
        kind: [machine.patch_features(patches) for patches in parts]
        for kind, parts in kinds.items()
    }


@pytest.mark.slow
def test_a_forest_tells_blurred_maps_and_white_noise_and_not_two_draws(textures):
    measured = textures["measured"]
    for kind in ("blurred", "noisy"):
        found = machine.turing_test(measured, textures[kind])
        assert found.auc > 0.95, kind
        assert found.interval.low > 0.9
    same = machine.turing_test(measured, textures["again"])
    assert 0.35 < same.auc < 0.65
    assert same.interval.low < 0.5 < same.interval.high
    assert (same.n_patients, same.n_patches) == (PATIENTS, 2 * 12 * PATIENTS)


def test_too_few_patients_are_not_asked(textures):
    found = machine.turing_test(textures["measured"][:2], textures["blurred"][:2])
    assert math.isnan(found.auc)
    assert math.isnan(found.interval.low)
    assert found.n_patients == 2


def test_a_copy_is_more_alike_than_another_patch():
    rng = np.random.default_rng(0)
    pool = ndimage.gaussian_filter(rng.normal(size=(9, 2, 64, 64)), (0, 0, 2, 2))
    others = ndimage.gaussian_filter(rng.normal(size=(4, 2, 64, 64)), (0, 0, 2, 2))
    assert machine.likeness(2 * pool[:3] + 1, pool) == pytest.approx(1)
    assert machine.likeness(others, pool) < 0.6
    assert math.isnan(machine.likeness(others, pool[:0]))


def test_patches_are_mostly_brain_and_not_too_many():
    mask = np.zeros((20, 128, 160), bool)
    mask[:, :, :90] = True
    images = np.stack([mask, 2 * mask], 1).astype(np.float32)
    patches = machine.cut_patches(images, mask)
    assert patches.shape == (40, 2, 64, 64)
    assert (patches[:, 1] == 2 * patches[:, 0]).all()
    assert patches[:, 0].mean((1, 2)).min() >= 0.8
    assert machine.cut_patches(images, mask & False).shape == (0, 2, 64, 64)


@pytest.fixture
def realism(measured, methods, monkeypatch):
    monkeypatch.setattr(machine, "_TREES", 10)
    chosen = {
        name: Cohort(cohort.folder, cohort.patients[:3])
        for name, cohort in methods.items()
    }
    return measure_realism(select(measured, chosen))


@pytest.mark.slow
def test_realism_of_methods_stands_beside_the_measured_halves(realism, evaluation):
    """`poor` has the noise of half of each value, which is power in every fine band."""
    good, poor = realism.of("good", CBF), realism.of("poor", CBF)
    assert good.power[3] == pytest.approx(1, abs=0.2)
    assert poor.power[3] > 1.5
    assert good.histogram < poor.histogram
    assert good.kernel < poor.kernel
    assert good.frechet < poor.frechet
    assert not math.isnan(realism.of(HALVES, None).kernel)
    assert np.isnan(realism.of("good", None).power).all()
    assert realism.of(HALVES, None).machine.n_patients == 3
    least, most = (realism.of(title, CBF).power for title in EXTREMES)
    assert (least < 1).all()
    assert (most > 1).all()
    with pytest.raises(KeyError):
        realism.of("best", CBF)
    frame = realism.to_frame()
    assert set(frame["map"]) == {"cbf", "cbv", "mtt", "ttp", JOINTLY}
    assert list(realism.likeness) == ["measured", "good", "poor"]
    assert realism.likeness["measured"] >= realism.likeness["poor"]
    with_looks = replace(evaluation, realism=realism)
    text = describe(with_looks)
    assert "Realism over 3 patients" in text
    assert "likeness to the nearest patch" in text
    assert len(as_json(with_looks)["realism"]) == 15 + 2 * 4
    assert all_tables(with_looks)[-1].name == "realism"
    assert as_json(evaluation)["realism"] == []


def test_the_table_has_a_row_for_each_method_and_says_what_is_missing():
    known = machine.MachineAuc(0.91, Interval(0.8, 0.97), 5, 120)
    unknown = machine.MachineAuc(math.nan, Interval(math.nan, math.nan), 2, 0)
    nothing = np.full(4, math.nan)
    looks = Realism(
        [
            MapRealism("net", CBF, np.array([0.5, 1, 0.25, 2]), 0.04, known, 0.3, 22.0),
            MapRealism("net", None, nothing, math.nan, unknown),
        ],
        {"net": 0.61, "measured": 0.63},
        5,
    )
    assert looks.of("net", CBF).machine is known
    with pytest.raises(KeyError):
        looks.of("other", CBF)
    told, missing = looks.describe().splitlines()[4:6]
    assert told.split()[:8] == ["CBF", "net", "0.50", "1.00", "0.25", "2.00", "0.040",
                                "0.300"]  # fmt: skip
    assert told.endswith("0.91 (0.80 to 0.97)")
    assert missing.split() == ["all", "maps", "net", *["n/a"] * 8]
    assert looks.describe().splitlines()[-1].endswith("net 0.61, measured 0.63")
    first, last = looks.to_frame().to_dict("records")
    assert (first["map"], first["power 0.04-0.1"], first["n_patches"]) == (
        "cbf",
        1,
        120,
    )
    assert last["map"] == JOINTLY
    assert math.isnan(last["machine_auc"])
