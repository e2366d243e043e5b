import numpy as np
import pytest

from analysis.bangdiwala import bangdiwala_b
from analysis.tables import ContingencyTable

# Kundel HL, Polansky M. Radiology 2003;228:303-308, Table A1; expected values as
# printed for data(Mammograms) in the vcdExtra manual (vcd::Kappa, agreementplot).
MAMMOGRAMS = ContingencyTable(
    [[34, 10, 2, 0], [6, 8, 8, 2], [2, 5, 4, 12], [0, 1, 2, 14]],
    ("absent", "minimal", "moderate", "severe"),
)


def test_the_mammograms_match_vcd():
    assert bangdiwala_b(MAMMOGRAMS).estimate == pytest.approx(0.4272076, abs=5e-8)
    weighted = bangdiwala_b(MAMMOGRAMS, (1, 8 / 9))
    assert weighted.estimate == pytest.approx(0.8366481, abs=5e-8)


@pytest.mark.slow
@pytest.mark.parametrize("weights", [None, "linear", "quadratic", (1, 0.9, 0.2)])
def test_the_standard_error_is_that_of_a_bootstrap(weights, rng):
    table = MAMMOGRAMS
    p = table.counts.ravel() / table.n
    estimates = [
        bangdiwala_b(ContingencyTable(sample.reshape(4, 4)), weights).estimate
        for sample in rng.multinomial(table.n, p, 4000)
    ]
    assert np.std(estimates) == pytest.approx(
        bangdiwala_b(table, weights).standard_error, rel=0.06
    )


def test_weights_of_zero_beyond_the_diagonal_are_no_weights():
    plain, zeros = bangdiwala_b(MAMMOGRAMS), bangdiwala_b(MAMMOGRAMS, (1, 0, 0))
    assert zeros.estimate == pytest.approx(plain.estimate)
    assert zeros.standard_error == pytest.approx(plain.standard_error)


@pytest.mark.parametrize("weights", [(), (0.9,), (1, 0.5, 0.7), (1, 1, 1, 1, 1)])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(ValueError, match="must start at 1 and fall to 0 in 4 steps"):
        bangdiwala_b(MAMMOGRAMS, weights)
