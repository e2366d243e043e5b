from dataclasses import replace

import numpy as np
import pytest
import torch

from magic_model.checkpoint import BEST, LAST, load_generator, read_header
from magic_model.distributed import World
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.recipe import LossConfig
from magic_model.training.adversaries import Adversaries
from magic_model.training.trainer import Trainer, train

KINDS = pytest.mark.parametrize(
    "kind", [pytest.param("branches", marks=pytest.mark.slow), "residual", "single"]
)


@pytest.mark.slow
@KINDS
def test_the_loss_falls(cache, recipe, settings, lines_of, kind):
    wanted = recipe(kind, epochs=10, learning_rate=2e-2, augment=False)
    header = train(wanted, cache, settings())
    steps, epochs = lines_of(settings().folder)
    assert len(steps) == 10 * 3
    assert len(epochs) == header.epoch == 10
    before, after = (
        np.mean([x["l1"] for x in part]) for part in (steps[:3], steps[-3:])
    )
    assert after < 0.9 * before


@pytest.mark.slow
def test_patients_not_trained_on_get_better_maps(cache, recipe, settings, lines_of):
    train(recipe(epochs=4, learning_rate=1e-2, augment=False), cache, settings())
    first, *_, last = lines_of(settings().folder)[1]
    for name in cache.maps:
        assert last[f"validation/{name}"] < 0.8 * first[f"validation/{name}"]


@pytest.mark.parametrize("kind", ["residual", "single"])
def test_weights_follow_from_recipe_slices_and_seed(
    cache, recipe, settings, same_tensors, kind
):
    for name, seed in (("one", 1), ("two", 1), ("other", 2)):
        train(recipe(kind, epochs=1), cache, settings(name, seed))
    files = [settings(name).folder / LAST for name in ("one", "two", "other")]
    assert same_tensors(files[0], files[1])
    assert not same_tensors(files[0], files[2])


def test_the_best_checkpoint_is_the_best_by_validation(
    cache, recipe, settings, monkeypatch
):
    """Errors that fall, rise and fall again but not as low."""
    made = iter([0.5, 0.2, 0.4, 0.3])

    def errors(*_):
        value = next(made)
        return {PerfusionMap(n): value * (i + 1) for i, n in enumerate(cache.maps)}

    monkeypatch.setattr("magic_model.training.trainer.validation_errors", errors)
    header = train(recipe(epochs=4), cache, settings())
    # Mean of the errors as shares of the ranges 60, 4, 12 and 25.
    lowest = 0.2 * (1 / 60 + 2 / 4 + 3 / 12 + 4 / 25) / 4
    assert header.best == (pytest.approx(lowest), 2)
    best = read_header(settings().folder / BEST)
    assert best.epoch == 2
    assert best.validation == pytest.approx(
        {"cbf": 0.2, "cbv": 0.4, "mtt": 0.6, "ttp": 0.8}
    )


def test_the_best_generator_can_be_loaded(cache, recipe, settings):
    kept = {}

    def keep(epoch, nets):
        state = nets.generator.state_dict()
        kept[epoch] = {name: value.clone() for name, value in state.items()}

    train(recipe(epochs=3), cache, settings(after_epoch=keep))
    generator, header = load_generator(settings().folder)
    assert header.best[1] == header.epoch
    for name, value in generator.state_dict().items():
        assert torch.equal(value, kept[header.epoch][name])


def test_without_patients_for_validation_the_last_checkpoint_stands(
    cache_maker, recipe, settings, lines_of
):
    header = train(recipe(), cache_maker("train", "test"), settings())
    assert (header.best, header.validation) == (None, {})
    assert not (settings().folder / BEST).exists()
    assert load_generator(settings().folder)[1].epoch == 2
    assert set(lines_of(settings().folder)[1][0]) == {"epoch", "seconds"}


def test_slices_that_do_not_fit_the_recipe_are_refused(cache_maker, recipe, settings):
    message = "at least one patient must be in split train, got none"
    with pytest.raises(DataError, match=message):
        train(recipe(), cache_maker("val", "test"), settings())
    other = cache_maker("train", maps=(PerfusionMap.TTP,))
    with pytest.raises(DataError, match="slices must have the maps of recipe single"):
        train(recipe(), other, settings())


@pytest.mark.parametrize("maps", [("ttp",), ("mtt", "cbf", "cbv"), tuple(PerfusionMap)])
def test_any_list_of_maps_can_be_trained(cache_maker, recipe, settings, maps):
    maps = tuple(map(PerfusionMap, maps))
    weight = 100.0 if len(maps) > 1 else 0.0
    slices = cache_maker("train", "val", maps=maps)
    wanted = recipe("branches", maps=maps, loss={"multimodal": weight}, epochs=1)
    assert set(train(wanted, slices, settings()).validation) == set(maps)


def test_progress_is_told_after_each_step(cache, recipe, settings):
    told = []
    train(recipe(), cache, settings(progress=lambda *step: told.append(step)))
    assert [step[:2] for step in told] == [(done, 6) for done in range(1, 7)]
    assert set(told[0][2]) == {"total", "l1"}  # all that this recipe weighs


def test_lines_hold_each_term_and_the_learning_rate(cache, recipe, settings, lines_of):
    wanted = recipe("residual", epochs=1, learning_rate=0.01, warmdown=1.0)
    train(wanted, cache, settings())
    lines = lines_of(settings().folder)[0]
    terms = {"adversarial", "l1", "extrema", "multimodal"}
    assert set(lines[0]) == {
        *terms, "epoch", "step", "total", "discriminator", "learning_rate",
    }  # fmt: skip
    rates = [line["learning_rate"] for line in lines]
    assert rates == pytest.approx([0.01, 0.01 * 2 / 3, 0.01 / 3])


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        ((0.0, 0.0), [1] * 6),
        ((0.0, 0.5), [1, 1, 1, 1, 2 / 3, 1 / 3]),
        ((0.0, 1.0), [1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]),
        ((0.5, 0.5), [1 / 3, 2 / 3, 1, 1, 2 / 3, 1 / 3]),  # one cycle
    ],
)
def test_the_learning_rate_rises_at_the_start_and_falls_at_the_end(
    cache, recipe, settings, monkeypatch, schedule, shares
):
    rates = []
    monkeypatch.setattr(
        Adversaries, "set_learning_rate", lambda _, rate: rates.append(rate)
    )
    warmup, warmdown = schedule
    wanted = recipe(learning_rate=0.5, warmup=warmup, warmdown=warmdown)
    train(wanted, cache, settings())
    assert rates == pytest.approx([0.5 * share for share in shares])


def test_the_recipe_says_how_many_slices_are_turned(cache, recipe, settings):
    """Those that are not keep the values of their pixels."""
    batches = Trainer(recipe(augment=True, turned=0.0), cache, settings()).batches
    known = torch.from_numpy(cache.ncct.astype(np.float32)).unique()
    for batch in batches.of_epoch(0):
        seen = batch.ncct[batch.ncct > -1]
        near = torch.searchsorted(known, seen).clamp(1, len(known) - 1)
        apart = (known[near] - seen).abs().minimum((known[near - 1] - seen).abs())
        assert apart.max() < 1e-4


def test_the_recipe_says_how_many_slices_are_bent(cache, recipe, settings):
    for share in (0.0, 0.5):
        batches = Trainer(recipe(augment=True, bent=share), cache, settings()).batches
        assert batches.bent == share


def test_only_the_first_process_writes(cache, recipe, settings, monkeypatch):
    """The second of two; what the first one does is left out."""
    shared = []
    monkeypatch.setattr(
        "magic_model.training.step.DistributedDataParallel",
        lambda network, **options: shared.append((network, options)) or network,
    )
    monkeypatch.setattr("torch.distributed.all_reduce", lambda _: None)
    monkeypatch.setattr("torch.distributed.barrier", lambda: None)
    seen = []
    second = settings(world=World(1, 2), after_epoch=lambda *told: seen.append(told))
    header = train(recipe("residual", epochs=1), cache, second)
    assert header.epoch == 1
    assert not seen
    assert not second.folder.exists()
    # Statistics are shared by the norm itself, not sent from the first process.
    assert [o for _, o in shared] == [
        {"device_ids": None, "broadcast_buffers": False}
    ] * 2


def test_tensorboard_gets_the_same_numbers(cache, recipe, settings, monkeypatch):
    board = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    train(recipe(epochs=1), cache, settings(tensorboard=True))
    events = board.EventAccumulator(str(settings().folder / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("l1")] == [1, 2, 3]
    assert len(events.Scalars("validation/cbf")) == 1


def test_weights_of_losses_are_the_recipes(cache, recipe, settings, lines_of):
    weights = LossConfig(adversarial=2, l1=30, extrema=5, multimodal=7)
    train(replace(recipe("residual", epochs=1), loss=weights), cache, settings())
    for line in lines_of(settings().folder)[0]:
        parts = [line[n] for n in ("adversarial", "l1", "extrema", "multimodal")]
        assert line["total"] == pytest.approx(np.dot(parts, [2, 30, 5, 7]), rel=1e-5)
