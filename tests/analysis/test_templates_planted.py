"""Twenty studies of each template: what was planted is found by the plan's endpoint."""

import numpy as np
import pytest

from benchmarks.templates import NOTHING, PLANTED, SIZE, Template, truth_of
from reader_study.building.demo import TEMPLATES

STUDIES = 20


def test_every_template_is_planted_in():
    assert {*PLANTED} == {*TEMPLATES}
    assert {*NOTHING} <= {*PLANTED}


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_in_a_template_is_found(name):
    template, planted = Template.of(name), PLANTED[name]
    truth, rng = truth_of(template, planted), np.random.default_rng(9)

    found = [template.study(SIZE, rng, **planted) for _ in range(STUDIES)]

    estimates = np.array([one.estimate.estimate for one in found])
    error = estimates.std(ddof=1) / np.sqrt(STUDIES)
    assert estimates.mean() == pytest.approx(truth, abs=4 * error)
    assert error < 0.05  # so that it can fail
    covered = [
        limits.low <= truth <= limits.high
        for limits in (one.estimate.confidence_interval(0.95) for one in found)
    ]
    assert sum(covered) >= STUDIES - 4
