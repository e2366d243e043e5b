"""Weights from elsewhere: what is taken, what is refused, and whose maps they give."""

import hashlib
import math
import pickle

import pytest
import torch
from torch.nn import functional

from magic_model.checkpoint import BEST, load_generator, read_header
from magic_model.cli import main
from magic_model.inference.model import optimize_for_inference
from magic_model.maps import PerfusionMap
from magic_model.networks import build_generator, count_parameters
from magic_model.training.adversaries import Adversaries, start_from
from magic_model.weights import AUTHORS_MAPS, from_authors
from tests.magic_model.inference.tiny import small_recipe, write_checkpoint

WIDTH = 4
ENCODER = [3, WIDTH, 2 * WIDTH, 4 * WIDTH, *[8 * WIDTH] * 5]
DECODER = [8 * WIDTH] * 5 + [4 * WIDTH, 2 * WIDTH, WIDTH, 1]


def authors_state(*, batch, seed=0):
    """A file of the published layout: its names, its shapes, drawn values."""
    rng = torch.Generator().manual_seed(seed)
    state = {}

    def draw(*shape):
        return torch.randn(*shape, generator=rng) * 0.2

    def put(name, shape, n_out, norm=""):
        # Features of the size of 1, so that rounding stays as small as it is.
        state[f"{name}.weight"] = draw(*shape) * 5 / math.sqrt(shape[1] * shape[2] ** 2)
        state[f"{name}.bias"] = draw(n_out)
        if norm and batch:
            state[f"{norm}.weight"] = 1 + 3 * draw(n_out)  # some negative
            state[f"{norm}.weight"][0] = 0.0
            state[f"{norm}.bias"] = draw(n_out)
            state[f"{norm}.running_mean"] = draw(n_out)
            state[f"{norm}.running_var"] = 0.5 + draw(n_out).abs()
            state[f"{norm}.num_batches_tracked"] = torch.tensor(7)

    for level in range(1, 9):
        for number in range(1, 2 if level < 5 else 5):
            norm = f"conv{level}_bn_{number}" if 1 < level < 8 else ""
            shape = (ENCODER[level], ENCODER[level - 1], 4, 4)
            put(f"conv{level}_{number}", shape, ENCODER[level], norm)
    for number in range(1, 5):
        for level in range(1, 9):
            n_in = DECODER[level - 1] * (1 if level == 1 else 2)
            norm = f"deconv{level}_bn_{number}" if level < 8 else ""
            shape = (n_in, DECODER[level], 4, 4)
            put(f"deconv{level}_{number}", shape, DECODER[level], norm)
        put(f"deconv9_{number}", (1, 4, 1, 1), 1)
    return state


class Authors:
    """Their network without dropout, written from its description."""

    def __init__(self, state):
        self.state = state

    def normed(self, x, name):
        if f"{name}.weight" not in self.state:
            return functional.instance_norm(x)
        parts = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(
            x, *(self.state[f"{name}.{part}"] for part in parts)
        )

    def layer(self, apply, x, name):
        weight, bias = (self.state[f"{name}.{part}"] for part in ("weight", "bias"))
        return apply(x, weight, bias, stride=2, padding=1)

    def down(self, x, level, number):
        x = x if level == 1 else functional.leaky_relu(x, 0.2)
        x = self.layer(functional.conv2d, x, f"conv{level}_{number}")
        return self.normed(x, f"conv{level}_bn_{number}") if 1 < level < 8 else x

    def up(self, x, level, number):
        # Decoder 3 runs the innermost layers of decoder 1.
        name = f"deconv{level}_{1 if number == 3 and level < 4 else number}"
        x = self.layer(functional.conv_transpose2d, functional.relu(x), name)
        return self.normed(x, f"deconv{level}_bn_{number}") if level < 8 else x

    def branch(self, shared, number):
        levels = list(shared)
        for level in range(5, 9):
            levels.append(self.down(levels[-1], level, number))
        x = self.up(levels[8], 1, number)
        for level in range(2, 9):
            x = self.up(torch.cat([x, levels[9 - level]], 1), level, number)
        return torch.tanh(x)

    def maps(self, ncct):
        shared = [ncct]
        for level in range(1, 5):
            shared.append(self.down(shared[-1], level, 1))
        mixed = [
            functional.conv2d(
                torch.cat([self.branch(shared, number), ncct], 1),
                self.state[f"deconv9_{number}.weight"],
                self.state[f"deconv9_{number}.bias"],
            )
            for number in range(1, 5)
        ]
        return torch.tanh(torch.cat(mixed, 1))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def load(tmp_path, capsys):
    """Run the command, and give its exit status and what it said."""

    def run(file, sha256=None, out="loaded"):
        told = ["load-weights", str(file), "--sha256", sha256 or digest(file)]
        status = main([*told, "--out", str(tmp_path / out)])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


@pytest.fixture
def published(tmp_path):
    path = tmp_path / "generator_param_final.pkl"
    torch.save(authors_state(batch=True), path)
    return path


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_maps_are_those_of_the_authors_network(tmp_path, load, batch, prefix):
    state = authors_state(batch=batch)
    file = tmp_path / "weights.pkl"
    torch.save({prefix + name: value for name, value in state.items()}, file)

    assert load(file)[0] == 0

    generator, header = load_generator(tmp_path / "loaded")
    ncct = 2 * torch.rand(2, 3, 256, 256) - 1
    with torch.inference_mode():
        wanted = Authors(state).maps(ncct)
        found = generator(ncct)
        lean = optimize_for_inference(generator, 256)(ncct)
    assert wanted.std(dim=(0, 2, 3)).min() > 0.05
    torch.testing.assert_close(found, wanted, atol=2e-5, rtol=0)
    torch.testing.assert_close(lean, wanted, atol=2e-5, rtol=0)
    assert header.recipe.maps == AUTHORS_MAPS
    assert digest(file) in header.origin


def test_the_order_of_the_maps_is_that_of_the_slices_they_published():
    assert tuple(PerfusionMap(n) for n in ("mtt", "ttp", "cbf", "cbv")) == AUTHORS_MAPS


def test_its_defects_are_named(published, load):
    text = load(published)[1]
    assert "decoder 3 (CBF)" in text
    assert "dropout was on" in text
    assert "8-bit" in text


def test_a_checkpoint_of_this_package_is_taken_byte_by_byte(tmp_path, load):
    path = write_checkpoint(tmp_path / "elsewhere", small_recipe())
    assert load(path, digest(path).upper()) == (
        0,
        f"{tmp_path / 'loaded' / BEST}: small, cbf, cbv, mtt, ttp\n"
        "Research use only.\n",
    )
    assert (tmp_path / "loaded" / BEST).read_bytes() == path.read_bytes()
    status, text = load(path)
    assert status == 2
    assert f"must hold no checkpoint yet, got {BEST}" in text


def test_another_file_than_the_one_that_is_meant_is_refused(published, tmp_path, load):
    status, text = load(published, "0" * 64)
    assert status == 2
    assert text.startswith(f"magic-model: {published}: must have SHA-256 000")
    assert digest(published) in text
    assert load(published, "12ab")[1] == (
        "magic-model: --sha256 must be 64 hexadecimal digits, got '12ab'\n"
    )
    assert not (tmp_path / "loaded").exists()


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("was run",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no weights", "not a readable checkpoint"),
        (pickle.dumps(Evil(), protocol=2), "tensors by name and nothing else"),
        ({"conv1_1.weight": torch.zeros(4, 3, 4, 4)}, "with conv1_1.bias"),
        ({"layer.weight": torch.zeros(1)}, "with conv1_1.weight"),
        ([torch.zeros(1)], "tensors by name and nothing else"),
    ],
)
def test_what_holds_no_such_weights_is_refused(tmp_path, load, content, message):
    file = tmp_path / "weights"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        torch.save(content, file)
    status, text = load(file)
    assert status == 2
    assert message in text
    assert text.count("\n") == 1
    assert not (tmp_path / "loaded").exists()


def test_a_layer_that_is_not_known_or_of_another_shape_is_refused(tmp_path, load):
    state = authors_state(batch=False)
    torch.save({**state, "conv9_1.weight": torch.zeros(1)}, tmp_path / "more")
    assert "got conv9_1.weight, which it has not" in load(tmp_path / "more")[1]
    torch.save({**state, "conv3_1.bias": torch.zeros(3)}, tmp_path / "other")
    status, text = load(tmp_path / "other")
    assert status == 2
    assert "weights do not fit" in text


def test_a_run_can_start_from_them(published, tmp_path, load):
    load(published)
    path = tmp_path / "loaded" / BEST
    recipe = read_header(path).recipe
    nets = Adversaries.from_recipe(recipe, torch.device("cpu"), seed=1)
    start_from(nets, path)
    state = authors_state(batch=True)
    torch.testing.assert_close(
        nets.generator.state_dict()["branches.cbf.up.7.1.weight"],
        state["deconv8_3.weight"],
    )


def test_parameters_are_those_of_paper(published):
    theirs = from_authors(torch.load(published, weights_only=True))
    theirs_total = sum(
        value.numel()
        for name, value in theirs.tensors.items()
        if name.endswith(("weight", "bias"))
    )
    assert theirs_total == count_parameters(build_generator(theirs.recipe))


def test_the_card_says_what_header_and_evaluation_tell(tmp_path, published, load):
    run = write_checkpoint(tmp_path / "run", small_recipe()).parent
    card = tmp_path / "card.md"
    told = ["card", "--checkpoint", str(run), "--out", str(card)]
    assert main(told) == 0
    text = card.read_text()
    assert digest(run / BEST) in text
    assert "**Not for patients**" in text
    assert "Not evaluated" in text
    assert main([*told, "--evaluation", str(tmp_path)]) == 2
    load(published)
    assert main(["card", "--checkpoint", str(tmp_path / "loaded"), *told[3:]]) == 0
    caveats = card.read_text().split("## Caveats")[1]
    assert "Decoder 3 (CBF)" in caveats
