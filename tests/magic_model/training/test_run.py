import functools
import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from magic_model.checkpoint import BEST, LAST, load_generator, read_header
from magic_model.errors import DataError
from magic_model.maps import PAPER_MAPS, PerfusionMap
from magic_model.recipe import LossConfig
from magic_model.training.run import RunSettings, train
from magic_model.training.step import Adversaries, Stepper

KINDS = pytest.mark.parametrize("kind", ["branches", "residual", "single"])


class Stopped(Exception):
    """What a test stops a run with."""


def stopping_at(step):
    def progress(done, _total, _losses):
        if done == step:
            raise Stopped

    return progress


def stopping_after(epoch):
    def after(done, _nets):
        if done == epoch:
            raise Stopped

    return after


@KINDS
def test_the_loss_falls(cache, recipe, settings, lines_of, kind):
    wanted = recipe(kind, epochs=6, learning_rate=2e-2, augment=False)
    header = train(wanted, cache, settings())
    steps, epochs = lines_of(settings().folder)
    assert len(steps) == 6 * 3
    assert len(epochs) == header.epoch == 6
    before, after = (np.mean([x["l1"] for x in part]) for part in (steps[:3], steps[-3:]))
    assert after < 0.9 * before
    for name in PAPER_MAPS:
        errors = [line[f"validation/{name}"] for line in epochs]
        assert errors[-1] < errors[0]


@pytest.mark.parametrize("kind", ["residual", "single"])
def test_weights_follow_from_recipe_slices_and_seed(
    cache, recipe, settings, same_tensors, kind
):
    for name, seed in (("one", 1), ("two", 1), ("other", 2)):
        train(recipe(kind, epochs=1), cache, settings(name, seed))
    files = [settings(name).folder / LAST for name in ("one", "two", "other")]
    assert same_tensors(files[0], files[1])
    assert not same_tensors(files[0], files[2])


@pytest.fixture(scope="module")
def whole(cache, tmp_path_factory):
    """The folder of a run of each kind that nothing stopped, made when asked for."""
    root = tmp_path_factory.mktemp("whole")

    @functools.cache
    def folder_of(recipe):
        settings = RunSettings(folder=root / recipe.fingerprint, seed=1)
        train(recipe, cache, settings)
        return settings.folder

    return folder_of


@pytest.fixture
def assert_same_runs(whole, same_tensors, lines_of):
    """That a run went as one that nothing stopped: bit by bit, and told once."""

    def compare(recipe, folder):
        expected = whole(recipe)
        for name in (LAST, BEST):
            assert same_tensors(expected / name, folder / name)
            assert read_header(expected / name) == read_header(folder / name)
        steps, epochs = zip(lines_of(expected), lines_of(folder), strict=True)
        assert steps[0] == steps[1]
        for one, other in zip(*epochs, strict=True):
            assert {**one, "seconds": 0} == {**other, "seconds": 0}

    return compare


@KINDS
def test_two_epochs_and_two_more_are_four(
    cache, recipe, settings, assert_same_runs, kind
):
    """Weights, moments of Adam, statistics and losses."""
    wanted = recipe(kind, epochs=4, warmdown=0.5)
    with pytest.raises(Stopped):
        train(wanted, cache, settings(after_epoch=stopping_after(2)))
    assert read_header(settings().folder / LAST).epoch == 2
    train(wanted, cache, settings())
    assert_same_runs(wanted, settings().folder)


@pytest.mark.parametrize("stopped_at", [1, 4, 5, 6, 8])
def test_a_run_stopped_anywhere_goes_on_as_if_it_had_not(
    cache, recipe, settings, assert_same_runs, lines_of, stopped_at
):
    """Three steps an epoch, a checkpoint every second step and after each epoch."""
    wanted = recipe("branches" if stopped_at == 5 else "single", epochs=3)
    told = settings(save_every=2, progress=stopping_at(stopped_at))
    with pytest.raises(Stopped):
        train(wanted, cache, told)
    if stopped_at > 2:
        header = read_header(told.folder / LAST)
        assert 0 < 3 * header.epoch + header.step < stopped_at
    train(wanted, cache, settings(save_every=2))
    assert_same_runs(wanted, told.folder)
    steps, _ = lines_of(told.folder)
    expected = list(itertools.product([1, 2, 3], repeat=2))
    assert [(line["epoch"], line["step"]) for line in steps] == expected


def test_a_run_stopped_before_its_checkpoint_tells_each_epoch_once(
    cache, recipe, settings, assert_same_runs, lines_of, monkeypatch
):
    """The epoch is in the metrics already, and its checkpoint is not."""
    wanted, folder = recipe(epochs=3), settings().folder
    with monkeypatch.context() as patch:
        patch.setattr("magic_model.training.run.save_checkpoint", _stop)
        with pytest.raises(Stopped):
            train(wanted, cache, settings())
    assert len(lines_of(folder)[1]) == 1
    train(wanted, cache, settings())
    assert_same_runs(wanted, folder)


def _stop(*_):
    raise Stopped


def test_a_line_that_was_cut_is_dropped(cache, recipe, settings, lines_of):
    folder = settings().folder
    train(recipe(epochs=3), cache, settings())
    wanted = lines_of(folder)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 4, "st')
    train(recipe(epochs=3), cache, settings())
    assert lines_of(folder) == wanted


def test_a_finished_run_has_nothing_left_to_do(cache, recipe, settings, same_tensors):
    header = train(recipe(), cache, settings())
    file = settings().folder / LAST
    before = file.read_bytes()
    assert train(recipe(), cache, settings(progress=stopping_at(1))) == header
    assert file.read_bytes() == before


def test_another_run_in_the_folder_is_refused(cache, recipe, settings):
    train(recipe(epochs=1), cache, settings())
    message = "is of a run with another {}; train into another folder, or remove this"
    with pytest.raises(DataError, match=message.format("recipe")):
        train(recipe(epochs=1, learning_rate=1e-2), cache, settings())
    with pytest.raises(DataError, match=message.format("seed")):
        train(recipe(epochs=1), cache, settings(seed=2))
    other = replace(cache, fingerprint="of other slices")
    with pytest.raises(DataError, match=message.format("data")):
        train(recipe(epochs=1), other, settings())
    with pytest.raises(DataError, match=message.format("data and another seed")):
        train(recipe(epochs=1), other, settings(seed=2))


def test_a_checkpoint_without_state_of_training_is_refused(cache, recipe, settings):
    """Such as the best one, renamed."""
    train(recipe("single", epochs=1), cache, settings())
    folder = settings().folder
    (folder / BEST).replace(folder / LAST)
    message = "generator_adam must have exp_avg of each weight, in its shape"
    with pytest.raises(DataError, match=message):
        train(recipe("single", epochs=1), cache, settings())


@pytest.mark.parametrize("part", ["discriminator.", "generator."])
def test_a_checkpoint_without_a_network_is_refused(cache, recipe, settings, part):
    wanted = recipe("residual", epochs=1)
    train(wanted, cache, settings())
    file = settings().folder / LAST
    kept = {n: t for n, t in load_file(file).items() if not n.startswith(part)}
    _replaced(file, kept)
    with pytest.raises(DataError, match="weights do not fit the recipe"):
        train(wanted, cache, settings())


def _replaced(file, tensors):
    from safetensors import safe_open

    with safe_open(file, framework="pt") as old:
        metadata = old.metadata()
    save_file(tensors, file, metadata=metadata)


def test_a_run_that_diverges_says_where(cache, recipe, settings):
    wanted = recipe("residual", learning_rate=1e30)
    message = "Training diverged: .* at step 1 of epoch 1; last good checkpoint: none$"
    with pytest.raises(DataError, match=message):
        train(wanted, cache, settings())
    assert not (settings().folder / LAST).exists()


def test_a_run_that_diverges_names_the_last_good_checkpoint(
    cache, recipe, settings, same_tensors, monkeypatch
):
    train(recipe("branches", epochs=1), cache, settings("good"))
    train_step = Stepper.train
    count = itertools.count(1)

    def diverging(self, batch):
        if next(count) == 5:
            for parameter in self.nets.generator.parameters():
                parameter.data *= math.nan
        return train_step(self, batch)

    monkeypatch.setattr(Stepper, "train", diverging)
    last = settings().folder / LAST
    message = f"total is nan at step 2 of epoch 2; last good checkpoint: {last}"
    with pytest.raises(DataError, match=message):
        train(recipe(epochs=3), cache, settings())
    assert read_header(last).epoch == 1
    assert same_tensors(last, settings("good").folder / LAST)
    # From there one can go on.
    monkeypatch.setattr(Stepper, "train", train_step)
    assert train(recipe(epochs=3), cache, settings()).epoch == 3


@pytest.mark.parametrize("splits", [("train",), ("train", "val")])
def test_weights_that_are_not_numbers_are_never_kept(
    cache_maker, recipe, settings, monkeypatch, splits
):
    """The loss of the last step is finite, what it leaves behind is not."""
    train_step = Stepper.train

    def diverging(self, batch):
        told = train_step(self, batch)
        for parameter in self.nets.generator.parameters():
            parameter.data *= math.nan
        return told

    monkeypatch.setattr(Stepper, "train", diverging)
    broken = "validation/cbf" if "val" in splits else r"generator\.\S+"
    message = f"Training diverged: {broken} is nan at step 1 of epoch 1; last good"
    with pytest.raises(DataError, match=message):
        train(recipe(epochs=1), cache_maker(*splits), settings())
    assert not list(settings().folder.glob("*.safetensors"))


def test_the_best_checkpoint_is_the_best_by_validation(
    cache, recipe, settings, monkeypatch
):
    """Errors that fall, rise and fall again but not as low."""
    made = iter([0.5, 0.2, 0.4, 0.3])

    def errors(*_):
        value = next(made)
        return {PerfusionMap(n): value * (i + 1) for i, n in enumerate(cache.maps)}

    monkeypatch.setattr("magic_model.training.run.validation_errors", errors)
    header = train(recipe(epochs=4), cache, settings())
    # Mean of the errors as shares of the ranges 60, 4, 12 and 25.
    lowest = 0.2 * (1 / 60 + 2 / 4 + 3 / 12 + 4 / 25) / 4
    assert header.best == (pytest.approx(lowest), 2)
    best = read_header(settings().folder / BEST)
    assert best.epoch == 2
    assert best.validation == pytest.approx(dict(cbf=0.2, cbv=0.4, mtt=0.6, ttp=0.8))


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
    assert set(told[0][2]) == {
        "total",
        "adversarial",
        "l1",
        "extrema",
        "multimodal",
        "discriminator",
    }


@pytest.mark.parametrize(
    ("warmdown", "shares"),
    [
        (0.0, [1] * 6),
        (0.5, [1, 1, 1, 1, 2 / 3, 1 / 3]),
        (1.0, [1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]),
    ],
)
def test_the_learning_rate_falls_at_the_end(
    cache, recipe, settings, monkeypatch, warmdown, shares
):
    rates = []
    monkeypatch.setattr(
        Adversaries, "set_learning_rate", lambda _, rate: rates.append(rate)
    )
    train(recipe(learning_rate=0.5, warmdown=warmdown), cache, settings())
    assert rates == pytest.approx([0.5 * share for share in shares])


def test_tensorboard_gets_the_same_numbers(cache, recipe, settings, monkeypatch):
    board = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
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
