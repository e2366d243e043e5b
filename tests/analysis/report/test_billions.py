"""Tables of billions of pairs: every statistic as for thousands, at once."""

import math

import numpy as np
import pytest

from analysis.report.question import analyse_question
from analysis.responses.pairing import PairedAnswers
from analysis.tables import ContingencyTable
from reader_study.formats.questionnaire import Question

THOUSAND = 1_000


def analysed(counts):
    question = Question.of("table", "?", tuple(str(n) for n in range(len(counts))))
    return analyse_question(PairedAnswers(question, ContingencyTable(counts)))


@pytest.mark.parametrize("times", [10**9, 10**14])
@pytest.mark.parametrize(
    "counts",
    [[[4, 1], [2, 3]], [[4, 1, 0], [2, 3, 1], [0, 1, 6]], [[5, 0], [0, 0]]],
)
def test_a_statistic_of_billions_is_that_of_thousands(counts, times):
    few = analysed(np.array(counts) * THOUSAND)
    many = analysed(np.array(counts) * times)
    factor = times / THOUSAND

    for name, expected in few.coefficients.items():
        found = many.coefficients[name]
        assert found.estimate == pytest.approx(expected.estimate, abs=1e-3, nan_ok=True)
        if expected.standard_error is not None:
            scaled = expected.standard_error / math.sqrt(factor)
            assert found.standard_error == pytest.approx(scaled, 1e-3, nan_ok=True)
    for name in ("bowker", "stuart_maxwell"):
        scaled = few.tests[name].statistic * factor
        assert many.tests[name].statistic == pytest.approx(scaled)
        assert many.tests[name].p_value == pytest.approx(few.tests[name].p_value)
    if len(counts) == 2:
        for name in ("mcnemar_exact", "mcnemar_mid_p"):
            assert many.tests[name].p_value == pytest.approx(few.tests[name].p_value)
