import dataclasses
import json
import math

import pytest

from magic_model.errors import DataError
from magic_model.maps import PAPER_MAPS, PerfusionMap
from magic_model.recipe import (
    AdversarialConfig,
    BranchConfig,
    DataConfig,
    LossConfig,
    Recipe,
    ResidualConfig,
    SingleConfig,
    TrainingConfig,
)

REFUSED = [
    (BranchConfig, {"width": 0}, "generator.width must be 1 or more, got 0"),
    (BranchConfig, {"levels": 0}, "generator.levels must be 1 to 8, got 0"),
    (BranchConfig, {"levels": 9}, "generator.levels must be 1 to 8, got 9"),
    (SingleConfig, {"shared": 9}, "generator.shared must be 0 to 8, got 9"),
    (SingleConfig, {"shared": -1}, "generator.shared must be 0 to 8, got -1"),
    (ResidualConfig, {"patch": 0}, "generator.patch must be 1 or more, got 0"),
    (ResidualConfig, {"fine": -1}, "generator.fine must be 0 or more, got -1"),
    (ResidualConfig, {"late": 1.0}, "generator.late must be 0 to less than 1, got 1"),
    (TrainingConfig, {"turned": 1.5}, "training.turned must be 0 to 1, got 1.5"),
    (TrainingConfig, {"bent": -0.5}, "training.bent must be 0 to 1, got -0.5"),
    (BranchConfig, {"dropout": 1.0}, "generator.dropout must be 0 to 1, got 1.0"),
    (DataConfig, {"slab_mm": -5.0}, "data.slab_mm must be 0 or more, got -5.0"),
    (
        TrainingConfig,
        {"warmup": 0.5, "warmdown": 0.6},
        "training.warmup must be 0 to what training.warmdown leaves of 1, got 0.5",
    ),
    (DataConfig, {"pixel_mm": -1.0}, "data.pixel_mm must be 0 or more, got -1.0"),
    (AdversarialConfig, {"width": 0}, "adversarial.width must be 1 or more, got 0"),
    (LossConfig, {"l1": -1.0}, "loss.l1 must be 0 or more, got -1.0"),
    (LossConfig, {"extrema": math.inf}, "loss.extrema must be 0 or more, got inf"),
    (LossConfig, {"multimodal": math.nan}, "loss.multimodal must be 0 or more, got"),
    (LossConfig, {"l2": 1.0}, "must be of adversarial, .*, multimodal, .*, got l2"),
    (TrainingConfig, {"epochs": 0}, "training.epochs must be 1 or more, got 0"),
    (TrainingConfig, {"batch_size": 0}, "training.batch_size must be 1 or more, got 0"),
    (TrainingConfig, {"learning_rate": 0.0}, "learning_rate must be positive, got 0.0"),
    (TrainingConfig, {"learning_rate": math.nan}, "must be positive, got nan"),
    (TrainingConfig, {"betas": (0.5,)}, r"betas must be two numbers .* got \(0.5,\)"),
    (TrainingConfig, {"betas": (0.5, 1.0)}, r"from 0 to below 1, got \(0.5, 1.0\)"),
    (TrainingConfig, {"warmdown": 1.5}, "training.warmdown must be 0 to 1, got 1.5"),
    (DataConfig, {"reach": 0.5}, "data.reach must be 1 or more, got 0.5"),
    (DataConfig, {"reach": math.inf}, "data.reach must be 1 or more, got inf"),
    (DataConfig, {"size": 15}, "data.size must be 16 or more, got 15"),
    (DataConfig, {"n_slices": 0}, "data.n_slices must be 1 or more, got 0"),
]


@pytest.mark.parametrize(("kind", "values", "message"), REFUSED)
def test_a_value_out_of_range_is_refused(kind, values, message):
    with pytest.raises(DataError, match=message):
        kind(**values)


def test_flow_and_volume_reach_equally_far_beyond_what_is_shown():
    """So CBV = CBF x MTT / 60 has one factor, whatever the reach."""
    shown, wide = (Recipe(name="x", data=DataConfig(reach=r)).ranges for r in (1, 2.5))
    assert list(shown.values()) == [(0, 60), (0, 4), (0, 12), (0, 25)]
    assert list(wide.values()) == [(0, 150), (0, 10), (0, 12), (0, 25)]


def test_maps_are_one_or_more_each_once():
    rule = "maps must name at least one map, each once, got "
    plain = LossConfig(multimodal=0)
    with pytest.raises(DataError, match=f"{rule}$"):
        Recipe(name="x", maps=(), loss=plain)
    with pytest.raises(DataError, match=f"{rule}cbf, cbf"):
        Recipe(name="x", maps=(PerfusionMap.CBF, PerfusionMap.CBF), loss=plain)


def test_a_slice_can_be_halved_as_often_as_there_are_levels():
    with pytest.raises(DataError, match=r"multiple of patch x 2\^levels = 256, got 64"):
        Recipe(name="x", data=DataConfig(size=64))
    generator = ResidualConfig(levels=5, patch=2)
    with pytest.raises(DataError, match="levels = 64, got 96"):
        Recipe(name="x", data=DataConfig(size=96), generator=generator)
    assert Recipe(name="x", data=DataConfig(size=128), generator=generator)


def test_a_slice_has_room_for_a_patch_that_is_judged():
    generator = BranchConfig(levels=2, shared=1)
    small = {"data": DataConfig(size=16), "generator": generator}
    with pytest.raises(
        DataError, match=r"data\.size must be 24 or more where maps are"
    ):
        Recipe(name="x", **small)
    assert Recipe(name="x", **small, loss=LossConfig(adversarial=0))


@pytest.mark.parametrize(
    "part",
    [
        {"loss": LossConfig(multimodal=1)},
        {"loss": LossConfig(multimodal=0), "generator": BranchConfig(derive_cbv=1)},
    ],
)
@pytest.mark.parametrize("missing", ["cbf", "cbv", "mtt"])
def test_the_central_volume_principle_needs_its_three_maps(part, missing):
    maps = tuple(name for name in PAPER_MAPS if name != missing)
    with pytest.raises(DataError, match="needs CBF, CBV, MTT among the maps, got"):
        Recipe(name="x", maps=maps, **part)


def test_late_tissue_is_told_where_that_is_learnt_and_times_are_there():
    generator = ResidualConfig(levels=4, late=0.3)
    untaught, taught = LossConfig(), LossConfig(lateness=10.0)
    rule = "generator.late and loss.lateness need each other, got "
    with pytest.raises(DataError, match=f"{rule}0.3 and 0$"):
        Recipe(name="x", generator=generator, loss=untaught)
    for other in (ResidualConfig(levels=4), BranchConfig()):
        with pytest.raises(DataError, match=f"{rule}0 and 10$"):
            Recipe(name="x", generator=other, loss=taught)
    maps = (PerfusionMap.CBF, PerfusionMap.CBV, PerfusionMap.MTT)
    with pytest.raises(DataError, match="late needs TTP or Tmax among the maps, got"):
        Recipe(name="x", maps=maps, generator=generator, loss=taught)
    assert Recipe(name="x", generator=generator, loss=taught)


def test_ranges_are_those_of_the_paper_in_channel_order():
    # Paper 2.1.2: CBF 0-60, CBV 0-4, MTT 0-12, TTP 0-25.
    assert list(Recipe(name="x").ranges.values()) == [(0, 60), (0, 4), (0, 12), (0, 25)]
    turned = Recipe(name="x", maps=PAPER_MAPS[::-1])
    assert list(turned.ranges.values()) == [(0, 25), (0, 12), (0, 4), (0, 60)]


def test_a_fingerprint_changes_with_any_value():
    recipe = Recipe(name="x")
    others = [
        dataclasses.replace(recipe, name="y"),
        dataclasses.replace(recipe, maps=PAPER_MAPS[::-1]),
        dataclasses.replace(recipe, data=DataConfig(n_slices=9)),
        dataclasses.replace(recipe, generator=BranchConfig(pilo=False)),
        dataclasses.replace(recipe, adversarial=AdversarialConfig(width=32)),
        dataclasses.replace(recipe, loss=LossConfig(l1=99.0)),
        dataclasses.replace(recipe, training=TrainingConfig(epochs=49)),
    ]
    assert len({r.fingerprint for r in [recipe, *others]}) == 1 + len(others)
    assert Recipe(name="x").fingerprint == recipe.fingerprint


def test_tables_hold_plain_values_only():
    plain = Recipe(name="x").to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["maps"] == ["cbf", "cbv", "mtt", "ttp"]
