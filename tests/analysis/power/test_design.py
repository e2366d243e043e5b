"""Power by design: the families, the formula, the simulation, and what binds them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from analysis.agreement.batch import (
    cohen_kappas,
    influence_of_pairs,
    product_of_margins,
)
from analysis.multireader import clustered_kappa
from analysis.multireader.estimate import from_influence
from analysis.power import UnattainableKappaError, cantor
from analysis.power.design import (
    MEASURES,
    DesignAssumptions,
    DesignSize,
    influence_of,
)
from analysis.power.families import design_family, normal_below
from analysis.power.simulation import Tally, analyse_cells, design_grid, measure_models

FOUR = (0.1, 0.2, 0.3, 0.4)
SHIFTED = (0.15, 0.15, 0.3, 0.4)
EXCHANGEABLE = DesignAssumptions(kappa=0.6, null=0.4, shares=FOUR, test_shares=SHIFTED)
LATENT = DesignAssumptions(
    kappa=0.6,
    null=0.4,
    shares=FOUR,
    test_shares=SHIFTED,
    patient_correlation=0.5,
    reader_correlation=0.1,
    family="latent",
)
BOTH = pytest.mark.parametrize(
    "assumptions", [EXCHANGEABLE, LATENT], ids=lambda one: one.family
)


def test_the_normal_integral_matches_scipy():
    points = [(0.0, 0.0), (0.5, -0.3), (-1.0, 0.0), (0.0, 1.0), (2.0, 1.5), (-2, -2)]
    for correlation in (-0.7, 0.0, 0.6, 0.98):
        normal = multivariate_normal([0, 0], [[1, correlation], [correlation, 1]])
        for x, y in points:
            got = normal_below(np.array(x), np.array(y), correlation)
            assert got == pytest.approx(normal.cdf([x, y]), abs=1e-8)


@BOTH
def test_a_family_has_the_shares_and_the_kappa_assumed(assumptions):
    table = design_family(assumptions).table()
    assert table.sum(axis=1) == pytest.approx(FOUR)
    assert table.sum(axis=0) == pytest.approx(SHIFTED)
    assert cohen_kappas(table).estimate == pytest.approx(0.6)


@BOTH
def test_drawn_pairs_have_the_table_and_the_correlations(assumptions, rng):
    family, size = design_family(assumptions), DesignSize(4, 5)
    cells = family.draw(size, 20_000, rng).reshape(-1, 4, 5)
    table = family.table()
    drawn = np.bincount(cells.ravel(), minlength=16).reshape(4, 4) / cells.size
    assert drawn == pytest.approx(table, abs=0.004)
    for measure, influence in influence_of(table, 1).items():
        values = influence.ravel()[cells]
        variance = (table * influence**2).sum()
        patient, reader = family.correlations(influence)
        two_readers = (values[:, 0] * values[:, 1]).mean() / variance
        two_cases = (values[:, :, 0] * values[:, :, 1]).mean() / variance
        assert two_readers == pytest.approx(patient, abs=0.015), measure
        assert two_cases == pytest.approx(reader, abs=0.015), measure


def test_influence_gives_the_standard_error_of_kappa():
    counts = np.array([[[20, 5], [10, 15]], [[104, 13], [14, 9]]])
    n = counts.sum(axis=(1, 2))
    shares = counts / n[:, None, None]
    _, influence = influence_of_pairs(shares, np.eye(2), product_of_margins)
    variance = (shares * influence**2).sum(axis=(1, 2)) / n
    expected = cohen_kappas(counts).standard_error
    assert np.sqrt(variance) == pytest.approx(expected)


def test_independent_pairs_have_cantors_variance():
    plain = DesignAssumptions(
        kappa=0.5,
        shares=(0.3, 0.7),
        test_shares=(0.4, 0.6),
        patient_correlation=0,
        reader_correlation=0,
    )
    model = measure_models(plain, design_family(plain))["kappa"]
    assert model.design_effect(DesignSize(7, 20)) == 1
    assert model.pair_variance == pytest.approx(cantor(0.3, 0.4)(0.5))


def test_design_effect_by_hand():
    model = measure_models(EXCHANGEABLE, design_family(EXCHANGEABLE))["agreement"]
    size = DesignSize(7, 20)
    assert model.design_effect(size) == pytest.approx(1 + 6 * 0.3 + 19 * 0.05)
    observed = model.true
    expected = observed * (1 - observed) * model.design_effect(size) / 140
    assert model.standard_error(size) == pytest.approx(expected**0.5)


def test_each_study_is_analysed_as_a_single_one_would_be(rng):
    family, size = design_family(LATENT), DesignSize(5, 12)
    cells = family.draw(size, 3, rng)
    reader, case = (axis.ravel() for axis in np.indices((5, 12)))
    for study in cells:
        tallies = analyse_cells(study[None], family, size, LATENT)
        reference, test = study // 4, study % 4
        pairs = {"reader": reader, "case": case, "reference": reference, "test": test}
        kappa = clustered_kappa(pairs, variance="crossed")
        interval = kappa.confidence_interval()
        assert tallies["kappa"].estimate == pytest.approx(kappa.estimate)
        assert tallies["kappa"].shown == (interval.low > 0.4)
        gain = (test < 1).astype(float) - (reference < 1)
        mean = from_influence(gain.mean(), gain - gain.mean(), reader, case)
        limits = mean.confidence_interval()
        width = tallies["non_inferiority"].width
        assert width == pytest.approx(limits.high - limits.low)


def test_studies_without_an_interval_show_nothing():
    plain = DesignAssumptions(kappa=0.6)
    size = DesignSize(2, 3)
    cells = np.zeros((4, 6), dtype=np.int64)
    tallies = analyse_cells(cells, design_family(plain), size, plain)
    assert set(tallies.values()) == {Tally(4, 0, 0, 4, 0.0, 0.0)}


@pytest.fixture(scope="module")
def grid():
    sizes = [DesignSize(readers, cases) for readers in (4, 7) for cases in (20, 40)]
    return design_grid(LATENT, sizes, repetitions=300, seed=3, jobs=1)


@pytest.mark.slow
def test_the_result_does_not_depend_on_the_workers_or_on_other_designs(grid):
    told = []
    one = DesignSize(7, 40)
    again = design_grid(
        LATENT, [one], repetitions=300, seed=3, jobs=2, progress=told.append
    )
    same = [result for result in grid.results if result.size == one]
    assert list(again.results) == same
    assert told == ["7 readers x 40 cases"]
    other = design_grid(LATENT, [one], repetitions=300, seed=4, jobs=1)
    assert list(other.results) != same


def test_formula_and_simulation_agree(grid):
    for result in grid.results:
        allowed = 0.08 + 3 * result.power_error
        assert result.power == pytest.approx(result.formula_power, abs=allowed)
        # Simulated limits heed the kurtosis of cases, which the formula does not know.
        assert result.width == pytest.approx(result.formula_width, rel=0.12)
        assert result.coverage > 0.92


def test_cases_needed_on_the_grid_and_by_formula(grid):
    model = grid.models["kappa"]
    needed = model.cases_needed(7, 0.8)
    assert model.power(DesignSize(7, needed)) >= 0.8
    assert model.power(DesignSize(7, needed - 1)) < 0.8
    assert grid.cases_needed("kappa", 7, 0.8) == 40
    assert grid.cases_needed("kappa", 4, 0.999) is None
    assert grid.cases_needed("kappa", 7, 0.0) == 20


def test_few_readers_who_differ_cannot_be_made_up_for_by_cases():
    few = DesignAssumptions(kappa=0.6, null=0.4, reader_correlation=0.1)
    models = measure_models(few, design_family(few))
    assert all(model.cases_needed(3, 0.8) is None for model in models.values())


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 0.5), st.floats(0, 0.08), st.integers(3, 12), st.integers(5, 100))
def test_more_correlation_is_never_better(patient, reader, n_readers, n_cases):
    size = DesignSize(n_readers, n_cases)

    def model(patient, reader):
        assumed = DesignAssumptions(
            kappa=0.6,
            null=0.4,
            patient_correlation=patient,
            reader_correlation=reader,
        )
        return measure_models(assumed, design_family(assumed))["kappa"]

    error = model(patient, reader).standard_error(size)
    assert model(patient / 2, reader).standard_error(size) <= error + 1e-12
    assert model(patient, reader / 2).standard_error(size) <= error + 1e-12
    larger = DesignSize(n_readers + 1, n_cases + 1)
    assert model(patient, reader).standard_error(larger) < error


IMPOSSIBLE = {
    "above its null value": {"kappa": 0.3, "null": 0.4},
    "two or more numbers above 0": {"shares": (0.5, 0.0)},
    "as many answers": {"test_shares": FOUR},
    "Patient correlation must be between 0 and 1, got 1.2": {
        "patient_correlation": 1.2
    },
    "must sum to less than 1": {"patient_correlation": 0.7, "reader_correlation": 0.4},
    "Acceptable must be 1 to 1": {"acceptable": 2},
    "Alpha must be": {"alpha": 0.0},
    "Margin must be": {"margin": -0.1},
    "one of exchangeable, latent, got copula": {"family": "copula"},
}


@pytest.mark.parametrize("message", IMPOSSIBLE)
def test_impossible_assumptions_are_refused(message):
    with pytest.raises(ValueError, match=message):
        DesignAssumptions(**{"kappa": 0.6} | IMPOSSIBLE[message])


def test_other_impossible_requests_are_refused():
    with pytest.raises(
        ValueError, match="2 readers and 2 cases or more, got 1 readers"
    ):
        DesignSize(1, 20)
    with pytest.raises(ValueError, match="Repetitions must be 1 or more"):
        design_grid(LATENT, [DesignSize(2, 5)], repetitions=0, seed=1)
    skewed = {"kappa": 0.6, "shares": (0.5, 0.5), "test_shares": (0.05, 0.95)}
    for family in ("exchangeable", "latent"):
        with pytest.raises(UnattainableKappaError, match="cannot be reached"):
            design_family(DesignAssumptions(**skewed, family=family))
    together = DesignAssumptions(
        kappa=0.6, patient_correlation=0.5, reader_correlation=0.3
    )
    with pytest.raises(ValueError, match=r"square roots .* must sum to 1"):
        design_family(together)


def test_all_measures_are_reported(grid):
    assert [result.measure for result in grid.results[:3]] == list(MEASURES)
    assert len(grid.of("kappa", 7)) == 2
