"""Power of the interval that a report prints."""

import numpy as np
import pytest

from analysis.agreement import cohen_kappa
from analysis.power import PowerTest, StudySize, interval_figures
from analysis.power.interval import IntervalPower
from analysis.power.normal import table_with_kappa
from analysis.tables import ContingencyTable

CLAIM = PowerTest(0.35)


def of(table):
    return IntervalPower(table.row_totals / table.n, table.column_totals / table.n)


# An independent simulation of the report's own interval gave .910, .263 for Q1; the z
# test with the error under the null has .962, .375.
@pytest.mark.parametrize(("n", "power"), [(140, 0.910), (20, 0.263)])
def test_the_power_for_the_papers_first_question(paper_tables, n, power):
    assert of(paper_tables["Q1"]).power(CLAIM, n) == pytest.approx(power, abs=0.012)


def test_it_counts_the_intervals_that_the_library_gives():
    rows, columns = np.array([0.7, 0.2, 0.1]), np.array([0.6, 0.2, 0.2])
    test, n, studies = PowerTest(0.5, null=0.2, alpha=0.1), 40, 400
    cells = table_with_kappa(rows, columns, test.kappa).ravel()
    drawn = np.random.default_rng(5).multinomial(n, cells / cells.sum(), studies)
    shown = 0
    for counts in drawn.reshape(-1, 3, 3):
        result = cohen_kappa(ContingencyTable(counts))
        shown += result.confidence_interval(0.9).low > 0.2
    error = 4 * np.sqrt(0.25 / studies)
    ours = IntervalPower(rows, columns).power(test, n)
    assert ours == pytest.approx(shown / studies, abs=error)


def test_a_kappa_below_the_null_is_shown_by_the_upper_limit():
    even = np.array([0.5, 0.5])
    below = IntervalPower(even, even).power(PowerTest(0.2, null=0.6), 100)
    above = IntervalPower(even, even).power(PowerTest(0.6, null=0.2), 100)
    assert below > 0.9
    assert above > 0.9


def test_the_figures_agree_with_one_another():
    size = StudySize(4, 25, icc=0.1)
    figures = interval_figures([30, 20], [28, 22], size, PowerTest(0.4))
    of_interval = IntervalPower(np.array([0.6, 0.4]), np.array([0.56, 0.44]))
    at = of_interval.power(PowerTest(0.4), figures.n_needed)
    assert 0.8 <= at < 0.815
    found = of_interval.power(PowerTest(figures.detectable), size.effective_pairs)
    assert found == pytest.approx(0.8, abs=0.01)
    assert figures.power_cases < figures.power
    assert figures.largest_icc == pytest.approx((100 / figures.n_needed - 1) / 3)


def test_where_no_number_of_pairs_gives_an_interval_none_is_named():
    figures = interval_figures([5, 5], [5, 5], StudySize(3, 10), PowerTest(1.0))
    assert (figures.n_needed, figures.largest_icc) == (None, None)
    assert figures.power == 0


def test_a_kappa_that_the_margins_do_not_allow_is_refused():
    figures = interval_figures([9, 1], [5, 5], StudySize(3, 10), PowerTest(0.9))
    assert figures.refused == (
        "kappa 0.9 cannot be reached with these margins: the maximum is 0.200"
    )
