import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.agreement.batch import cohen_kappas
from analysis.agreement.chance_corrected import maximum_kappa_of_margins
from analysis.power import (
    PowerTest,
    StudySize,
    UnattainableKappaError,
    actual_margins,
    cantor,
    design_effect,
    detectable_kappa,
    flack,
    gof_power,
    gof_sample_size,
    largest_icc,
    normal_power,
    normal_sample_size,
    power_overview,
)
from analysis.power.normal import table_with_kappa
from analysis.report.figures import power_figure
from analysis.tables import ContingencyTable

CLAIM = PowerTest(0.35)  # the paper: kappa .35, alpha .05
SIZE = StudySize(7, 20)


def margins(table):
    return table.row_totals / table.n, table.column_totals / table.n


# facts of the paper's margins: pairs needed, two-sided, under the actual margins, and
# power at 140 and 20 pairs; checked by simulation to within .02 when they were made.
@pytest.mark.parametrize(
    ("question", "needed", "power_140", "power_20"),
    [
        ("Q1", 73.3, 0.962, 0.37),
        ("Q2C", 48.6, 0.995, 0.48),
        ("Q2D", 66.8, 0.960, 0.47),
        ("Q3", 24.6, 1.000, 0.72),
        ("Q4", 28.9, 1.000, 0.65),
    ],
)
def test_the_papers_margins(paper_tables, question, needed, power_140, power_20):
    model = actual_margins(*margins(paper_tables[question]))
    assert normal_sample_size(model, CLAIM) == pytest.approx(needed, abs=0.06)
    assert normal_power(model, CLAIM, 140) == pytest.approx(power_140, abs=6e-4)
    assert normal_power(model, CLAIM, 20) == pytest.approx(power_20, abs=6e-3)


@pytest.mark.parametrize("question", ["Q1", "Q2D"])
def test_a_simulation_has_the_computed_power(paper_tables, question, rng):
    table = table_with_kappa(*margins(paper_tables[question]), CLAIM.kappa)
    samples = rng.multinomial(140, table.ravel(), 4000).reshape(-1, *table.shape)
    kappas = cohen_kappas(samples)
    rejected = kappas.estimate / kappas.null_standard_error > CLAIM.critical
    model = actual_margins(*margins(paper_tables[question]))
    assert rejected.mean() == pytest.approx(normal_power(model, CLAIM, 140), abs=0.025)


# Donner and Eliasziw: for two categories and null kappa 0 the noncentrality is
# n kappa^2; 7.849 / .35^2 = 64.07.
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.84])
def test_goodness_of_fit_of_two_categories_does_not_depend_on_prevalence(share):
    shares = np.array([share, 1 - share])
    assert gof_sample_size(shares, CLAIM) == pytest.approx(64.07, abs=0.005)
    assert gof_power(shares, CLAIM, 140) == pytest.approx(0.985, abs=5e-4)
    assert gof_power(shares, CLAIM, 20) == pytest.approx(0.347, abs=5e-4)


def test_smallest_kappa_that_goodness_of_fit_finds():
    shares = np.array([0.3, 0.7])
    for n, smallest in ((140, 0.237), (20, 0.626)):
        found = detectable_kappa(
            lambda kappa, n=n: gof_power(shares, replace(CLAIM, kappa=kappa), n),
            null=0,
            highest=1,
            power=0.8,
        )
        assert found == pytest.approx(smallest, abs=5e-4)


@pytest.mark.parametrize(("question", "maximum"), [("Q2A", "0.295"), ("Q2B", "0.000")])
def test_an_unattainable_kappa_is_refused_with_the_maximum(
    paper_tables, question, maximum
):
    table = paper_tables[question]
    figures = power_overview(table.row_totals, table.column_totals, SIZE, CLAIM)
    assert len(figures) == 4
    for row in figures:
        assert row.refused.endswith(f"the maximum is {maximum}")
    with pytest.raises(UnattainableKappaError, match=maximum):
        actual_margins(*margins(table))(0.35)


shares = st.lists(st.floats(0.05, 1), min_size=2, max_size=4)


@pytest.mark.slow
@given(shares, shares, st.floats(0.05, 0.6))
def test_the_fitted_table_has_the_margins_and_the_kappa(rows, columns, kappa):
    k = min(len(rows), len(columns))
    r, c = (np.array(x[:k]) / sum(x[:k]) for x in (rows, columns))
    model = actual_margins(r, c)
    try:
        model(kappa)
    except UnattainableKappaError:
        return
    table = table_with_kappa(r, c, kappa)
    assert table.sum(axis=1) == pytest.approx(r, abs=1e-9)
    assert table.sum(axis=0) == pytest.approx(c, abs=1e-9)
    assert cohen_kappas(table).estimate == pytest.approx(kappa, abs=1e-6)


@pytest.mark.slow
@given(shares, st.floats(0.1, 0.9))
def test_flacks_variance_is_the_largest(margin, kappa):
    m = np.array(margin) / sum(margin)
    assert flack(m)(kappa) >= actual_margins(m, m)(kappa) - 1e-8


@given(st.floats(0.1, 0.9), st.floats(0.1, 0.9), st.floats(50, 500))
def test_sample_size_and_power_invert_each_other(rate, kappa, n):
    model, test = cantor(rate, rate), PowerTest(kappa)
    power = normal_power(model, test, n)
    if 0.01 < power < 0.99:
        assert normal_sample_size(model, test, power) == pytest.approx(n, rel=1e-6)


def test_a_design_effect_is_kishs():
    assert design_effect(7, 0.1) == pytest.approx(1.6)
    assert largest_icc(140, 64.07, 7) == pytest.approx(0.198, abs=5e-4)
    assert largest_icc(140, 140.1, 7) is None
    assert largest_icc(140, 20, 1) == 1
    assert StudySize(7, 20, 0.1).effective_pairs == pytest.approx(87.5)


def test_the_claim_survives_up_to_the_stated_correlation(paper_tables):
    table = paper_tables["Q1"]
    for row in power_overview(table.row_totals, table.column_totals, SIZE, CLAIM):
        alike = StudySize(7, 20, row.largest_icc)
        again = power_overview(table.row_totals, table.column_totals, alike, CLAIM)
        same = next(r for r in again if r.formulation == row.formulation)
        assert same.power == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kappa": 0}, "must differ"),
        ({"kappa": 1.5}, "within -1 and 1, got 1.5"),
        ({"kappa": math.nan}, "must differ"),
        ({"kappa": 0.3, "alpha": 5}, "Alpha must be between 0 and 1, got 5"),
    ],
)
def test_impossible_tests_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        PowerTest(**arguments)


def test_impossible_studies_are_refused():
    with pytest.raises(ValueError, match="got 0 readers and 20 cases"):
        StudySize(0, 20)
    with pytest.raises(ValueError, match=r"between 0 and 1, got 1\.5"):
        StudySize(7, 20, 1.5)
    with pytest.raises(ValueError, match="Power must be between 0 and 1, got 80"):
        normal_sample_size(cantor(0.5, 0.5), CLAIM, 80)
    with pytest.raises(ValueError, match="not all 0"):
        flack(np.zeros(3))
    with pytest.raises(ValueError, match=r"1 or more, got 0\.5"):
        design_effect(0.5, 0)


def test_nothing_is_detectable_with_too_few_pairs():
    shares = np.array([0.5, 0.5])
    found = detectable_kappa(
        lambda kappa: gof_power(shares, PowerTest(kappa), 3),
        null=0,
        highest=1,
        power=0.99,
    )
    assert math.isnan(found)


def test_a_kappa_at_the_very_maximum_still_has_a_variance():
    # The fitted table tends to the one with the largest diagonal; no factor reaches it.
    rows, columns = np.array([0.6, 0.3, 0.1]), np.array([0.5, 0.2, 0.3])
    highest = maximum_kappa_of_margins(rows, columns)
    for kappa in (highest, highest + 5e-13):
        assert 0 < actual_margins(rows, columns)(kappa) < 1


def test_a_figure_without_any_curve_can_be_drawn():
    table = ContingencyTable([[133, 7, 0], [0, 0, 0], [0, 0, 0]])
    figure = power_figure({"Q2B": table}, SIZE, CLAIM, 0.8)
    assert figure.axes[0].get_legend() is None
