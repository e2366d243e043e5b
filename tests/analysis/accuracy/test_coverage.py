"""The studies of `benchmarks.accuracy`: their truth is that of their draws."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import accuracy_figures
from benchmarks.accuracy import BEGIN, END, PAGE, Key, Tally, table
from benchmarks.accuracy_studies import STRUCTURES, Population


@pytest.mark.parametrize("steps", [False, True])
def test_the_truth_of_a_population_is_that_of_its_draws(steps):
    population = Population(STRUCTURES["unlike"], (0.8, 0.95), steps)
    ratings = population.draw(np.random.default_rng(2), 1_500, 30, 30)
    sick, well = ratings[..., :30], ratings[..., 30:]
    above = (sick[..., :, None] > well[..., None, :]) + 0.5 * (
        sick[..., :, None] == well[..., None, :]
    )

    # The cases are 60, so that their own spread is what is allowed for.
    assert population.truth("auc") == pytest.approx(above.mean((1, 2, 3)), abs=0.05)
    called = (sick >= population.call).mean((1, 2))
    assert population.truth("sensitivity") == pytest.approx(called, abs=0.08)
    calm = (well < population.call).mean((1, 2))
    assert population.truth("specificity") == pytest.approx(calm, abs=0.1)


def test_steps_of_one_criterion_have_the_auc_of_a_double_sum():
    population = Population(STRUCTURES["alike"], (0.9, 0.9), steps=True)
    many = population.draw(np.random.default_rng(3), 60, 3_000, 3_000)[0]
    shares = [
        np.stack([(side == step).mean(axis=1) for step in range(1, 6)])
        for side in (many[:, :3_000], many[:, 3_000:])
    ]
    better = np.tril(np.ones((5, 5)), -1) + np.eye(5) / 2
    of_readers = np.einsum("ir,ij,jr->r", shares[0], better, shares[1])

    assert population.truth("auc")[0] == pytest.approx(of_readers.mean(), abs=0.015)


def test_a_cell_beyond_its_bound_is_marked():
    key = Key("auc", "u_statistics", True, "7x20", 0.8)
    tally = Tally([1.0] * 99 + [0.0], [1.0] * 90 + [0.0] * 10, [0.0, 1.0], [np.nan, 0])
    (row,) = table({(key, "steps"): tally}, decides=True).splitlines()[2:]

    assert "99.0 conservative | 90.0 **beyond** | 50.0 **beyond** | 0.0 " in row


def test_the_page_has_the_tables_and_no_cell_beyond():
    page = PAGE.read_text(encoding="utf-8")
    decided = page.partition(BEGIN)[2].partition(END)[0].partition("programs in use")[0]

    assert "10x100, 0.95" in decided
    assert "**beyond**" not in decided


def test_other_figures_over_all_rates_and_marks_are_the_area(monkeypatch):
    structure = replace(STRUCTURES["unlike"], criterion=0.0)
    population = Population(structure, (0.85, 0.7), steps=False)
    truth = accuracy_figures.Truth(population)
    lower = [truth.of(figure) for figure in ("partial area", "FROC area")]
    assert all((np.array(values) < (0.85, 0.7)).all() for values in lower)
    assert truth.of("LROC area") == pytest.approx([0.8 * 0.85, 0.8 * 0.7])
    monkeypatch.setattr(accuracy_figures, "RATE", 1.0)
    monkeypatch.setattr(accuracy_figures, "SEEN_FROM", -9.0)
    assert truth.of("partial area") == pytest.approx([0.85, 0.7], abs=1e-6)
    assert truth.of("FROC area") == pytest.approx([0.85, 0.7], abs=1e-6)
