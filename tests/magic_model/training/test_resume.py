"""A run that was stopped ends as one that was not."""

import functools
import itertools
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from magic_model.checkpoint import BEST, LAST, read_header, save_checkpoint
from magic_model.errors import DataError
from magic_model.maps import PAPER_MAPS
from magic_model.training.adversaries import Adversaries, restore
from magic_model.training.trainer import RunSettings, train

LONGER = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("branches", "single")]
KINDS = pytest.mark.parametrize("kind", [*LONGER, "late", "residual"])


class StoppedError(Exception):
    """What a test stops a run with."""


def stopping_at(step):
    def progress(done, _total, _losses):
        if done == step:
            raise StoppedError

    return progress


def stopping_after(epoch):
    def after(done, _nets):
        if done == epoch:
            raise StoppedError

    return after


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


@pytest.mark.slow
@KINDS
def test_two_epochs_and_two_more_are_four(
    cache, recipe, settings, assert_same_runs, kind
):
    """Weights, moments of Adam and of Muon, statistics and losses."""
    wanted = recipe(kind, epochs=4, batch_size=6, warmdown=0.5)
    with pytest.raises(StoppedError):
        train(wanted, cache, settings(after_epoch=stopping_after(2)))
    assert read_header(settings().folder / LAST).epoch == 2
    train(wanted, cache, settings())
    assert_same_runs(wanted, settings().folder)


@pytest.mark.parametrize("stopped_at", [1, 4, 5, 6, 8])
def test_a_run_stopped_anywhere_goes_on_as_if_it_had_not(
    cache, recipe, settings, assert_same_runs, lines_of, stopped_at
):
    """Three steps an epoch, a checkpoint every second step and after each epoch."""
    wanted = recipe(epochs=3)
    told = settings(save_every=2, progress=stopping_at(stopped_at))
    with pytest.raises(StoppedError):
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
        patch.setattr("magic_model.checkpoint.save_checkpoint", _stop)
        with pytest.raises(StoppedError):
            train(wanted, cache, settings())
    assert len(lines_of(folder)[1]) == 1
    train(wanted, cache, settings())
    assert_same_runs(wanted, folder)


def _stop(*_):
    raise StoppedError


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


def test_moments_lie_in_memory_as_their_weights(cache, recipe, settings):
    """On a GPU weights lie channels last, and a fused Adam refuses what does not."""
    wanted = recipe("branches", epochs=1)
    train(wanted, cache, settings())
    nets = Adversaries.from_recipe(wanted, torch.device("cpu"), 1)
    nets.generator.to(memory_format=torch.channels_last)
    nets.discriminator.to(memory_format=torch.channels_last)
    restore(nets, settings().folder / LAST)
    kept = load_file(settings().folder / LAST)
    for part, optimiser in nets.optimisers.items():
        for index, weight in enumerate(optimiser.param_groups[0]["params"]):
            for moment in ("exp_avg", "exp_avg_sq"):
                found = optimiser.state[weight][moment]
                assert found.stride() == weight.stride()
                assert torch.equal(found, kept[f"{part}.{index}.{moment}"])


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


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["residual", "single"])
def test_a_finished_run_goes_on_as_if_it_had_never_ended(
    cache, recipe, settings, same_tensors, lines_of, kind
):
    train(recipe(kind, epochs=3), cache, settings("whole"))
    train(recipe(kind, epochs=1), cache, settings("longer"))
    header = train(recipe(kind, epochs=3), cache, settings("longer"))
    assert (header.epoch, header.recipe.training.epochs) == (3, 3)
    folders = [settings(name).folder for name in ("whole", "longer")]
    assert same_tensors(*(folder / LAST for folder in folders))
    steps = [lines_of(folder)[0] for folder in folders]
    assert steps[0] == steps[1]


def test_a_run_gets_longer_only_when_it_is_done(cache, recipe, settings):
    def stop(epoch, nets):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe(epochs=2), cache, settings(after_epoch=stop))
    message = r"another recipe; .* \(training.epochs: 2, here 4\)"
    with pytest.raises(DataError, match=message):
        train(recipe(epochs=4), cache, settings())
    train(recipe(epochs=2), cache, settings())
    assert train(recipe(epochs=4), cache, settings()).epoch == 4
    with pytest.raises(DataError, match=r"\(training.epochs: 4, here 3\)"):
        train(recipe(epochs=3), cache, settings())


def test_a_run_starts_from_weights(cache, recipe, settings):
    """A rate of next to nothing leaves them where they were."""
    wanted = recipe("residual", epochs=1, learning_rate=1e-2)
    train(wanted, cache, settings("first"))
    first = settings("first").folder / LAST
    still = recipe("residual", epochs=1, learning_rate=1e-12)
    header = train(still, cache, settings("second", seed=2, init=first))
    assert len(header.init) == 64
    one, other = load_file(first), load_file(settings("second").folder / LAST)
    weights = [n for n in one if n.startswith("generator.") and n.endswith("weight")]
    assert weights
    for name in weights:
        torch.testing.assert_close(other[name], one[name], rtol=0, atol=1e-6)
    # It is a run of its own, which goes on without them, not from others.
    assert train(still, cache, settings("second", seed=2)) == header
    second = settings("second").folder / LAST
    with pytest.raises(DataError, match="of a run with another init"):
        train(still, cache, settings("second", seed=2, init=second))


@pytest.mark.parametrize(
    ("kind", "maps", "found"),
    [
        ("branches", PAPER_MAPS, "generator.family: residual, here branches"),
        ("residual", PAPER_MAPS[::-1], "maps: .*'cbf', .*, here .*'ttp'"),
    ],
)
def test_weights_of_another_network_are_refused(
    cache_maker, recipe, settings, kind, maps, found
):
    slices = cache_maker("train")
    train(recipe("residual", epochs=1), slices, settings("first"))
    first = settings("first").folder / LAST
    turned = cache_maker("train", maps=maps)
    message = f"weights are of another network than the recipe's \\({found}"
    with pytest.raises(DataError, match=message):
        train(recipe(kind, maps=maps), turned, settings("second", init=first))


def test_weights_that_stand_for_other_values_are_refused(cache_maker, recipe, settings):
    train(recipe(epochs=1), cache_maker("train"), settings("first"))
    wide = cache_maker("train", reach=2.0)
    message = "another network than the recipe's \\(data.reach: 1.0, here 2.0\\)"
    with pytest.raises(DataError, match=message):
        train(
            recipe(reach=2.0),
            wide,
            settings("second", init=settings("first").folder / LAST),
        )


def test_slices_of_version_0_1_are_named(cache, recipe, settings):
    train(recipe(epochs=1), cache, settings())
    file = settings().folder / LAST
    tensors = load_file(file)
    header = replace(read_header(file), sampling=None, data="of then")
    save_checkpoint(file, header, tensors)
    message = r"another data; .* \(its slices are of version 0.1, which prepared others"
    with pytest.raises(DataError, match=message):
        train(recipe(epochs=1), cache, settings())


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
    with safe_open(file, framework="pt") as old:
        metadata = old.metadata()
    save_file(tensors, file, metadata=metadata)
