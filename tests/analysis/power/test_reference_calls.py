"""Sample sizes against R's irr and kappaSize, to the integer and to 1e-4."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from analysis.agreement.chance_corrected import maximum_kappa_of_margins
from analysis.power import (
    PowerTest,
    UnattainableKappaError,
    cantor,
    flack,
    gof_sample_size,
    normal_sample_size,
)

FILE = Path(__file__).parents[1] / "reference" / "power.json"
CALLS = json.loads(FILE.read_text())["calls"]


def calls(function):
    return [call for call in CALLS if call["fn"].startswith(function)]


def test_of(arguments):
    return PowerTest(
        arguments["k1"], arguments["k0"], arguments["alpha"], arguments["twosided"]
    )


test_of.__test__ = False


def attainable(call):
    a = call["args"]
    rows, columns = (np.array([rate, 1 - rate]) for rate in (a["rate1"], a["rate2"]))
    return max(a["k1"], a["k0"]) <= maximum_kappa_of_margins(rows, columns)


@pytest.mark.parametrize("call", calls("irr::N.cohen.kappa"), ids=str)
def test_cantor_matches_irr(call):
    a = call["args"]
    model = cantor(a["rate1"], a["rate2"])
    if attainable(call):
        needed = normal_sample_size(model, test_of(a), a["power"])
        assert math.ceil(needed - 1e-9) == call["value"]
    else:  # irr gives a number for a kappa that these rates do not allow
        with pytest.raises(UnattainableKappaError, match="cannot be reached"):
            normal_sample_size(model, test_of(a), a["power"])


def test_few_of_irrs_calls_ask_for_an_impossible_kappa():
    impossible = [call for call in calls("irr::N.cohen.kappa") if not attainable(call)]
    assert 0 < len(impossible) < 10


@pytest.mark.parametrize("call", calls("irr::N2.cohen.kappa"), ids=str)
def test_flack_matches_irr(call):
    a = call["args"]
    needed = normal_sample_size(flack(np.array(a["mrg"])), test_of(a), a["power"])
    assert math.ceil(needed - 1e-9) == call["value"]


@pytest.mark.parametrize("call", calls("kappaSize"), ids=str)
def test_goodness_of_fit_matches_kappasize(call):
    # kappaSize finds the noncentrality to about 3e-5.
    a = call["args"]
    shares = np.atleast_1d(a["props"])
    shares = shares if len(shares) > 1 else np.array([shares[0], 1 - shares[0]])
    test = PowerTest(a["kappa1"], a["kappa0"], a["alpha"])
    needed = gof_sample_size(shares, test, a["power"])
    assert needed == pytest.approx(float(call["value"]), rel=1e-4)


def test_all_calls_of_each_function_are_here():
    names = ("irr::N.", "irr::N2", "kappaSize")
    assert [len(calls(name)) for name in names] == [75, 80, 29]
