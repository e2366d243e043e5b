"""Against R's `ordinal::clmm`, `ordinal::clm` and `lme4::glmer`."""

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.mixed_models import crossing, fit

FILE = json.loads((Path(__file__).parent / "oracles.json").read_text())
SETS = {of_set["id"]: of_set for of_set in FILE["sets"]}
CLOSE = {"abs": 1e-4}  # clmm stops at a gradient of 1e-3 to 1e-6


def columns(name):
    return np.array(SETS[name]["data"]).T


@pytest.mark.parametrize("name", SETS)
def test_clmm_with_readers_and_patients(name):
    method, reader, case, y = columns(name)
    expected = SETS[name]["reference"]
    model = fit(y, {"method": method}, {"reader": reader, "case": case})
    assert model.converged
    assert model.undefined_reason is None
    coefficient = model.coefficients["method"]
    assert coefficient.estimate == pytest.approx(expected["beta_methodB"], **CLOSE)
    assert coefficient.standard_error == pytest.approx(expected["se_methodB"], **CLOSE)
    assert model.log_likelihood == pytest.approx(expected["logLik"], abs=1e-6)
    assert model.group_sds["reader"] == pytest.approx(expected["sd_reader"], **CLOSE)
    assert model.group_sds["case"] == pytest.approx(expected["sd_patient"], **CLOSE)
    for index, threshold in enumerate(model.thresholds, start=1):
        assert threshold.estimate == pytest.approx(expected[f"theta{index}"], **CLOSE)


@pytest.mark.parametrize("name", SETS)
def test_clm_without_groups(name):
    method, _, _, y = columns(name)
    expected = SETS[name]["reference"]
    model = fit(y, {"method": method}, {})
    coefficient = model.coefficients["method"]
    assert coefficient.estimate == pytest.approx(expected["beta_methodB_clm"], abs=1e-6)
    assert coefficient.standard_error == pytest.approx(
        expected["se_methodB_clm"], abs=1e-6
    )
    assert model.log_likelihood == pytest.approx(expected["logLik_clm"], abs=1e-7)


def further(call):
    """Fit what R fitted: the model's name says what was added or cut."""
    method, reader, case, y = columns(call["id"])
    name = call["model"]
    fixed, groups = {"method": method}, {"reader": reader, "case": case}
    if "case:method" in name:
        groups["cm"] = crossing(case, method)
    if name == "reader:case":
        groups["rc"] = crossing(reader, case)
    if name == "reader:method":
        groups["rm"] = crossing(reader, method)
    if name == "two fixed":
        fixed["late"] = case > 10
    if name.startswith("y > "):
        y = (y > int(name[4])).astype(int)
    return fit(y, fixed, groups, link="probit" if name == "probit" else "logit")


def figures(model):
    """Name the model's numbers as R does; glmer's intercept is minus the threshold."""
    named = {f"sd.{name}": sd for name, sd in model.group_sds.items()}
    named["logLik"] = model.log_likelihood
    coefficients = dict(model.coefficients)
    for index, threshold in enumerate(model.thresholds, start=1):
        coefficients[f"{index}|{index + 1}"] = threshold
    for name, coefficient in coefficients.items():
        named[f"estimate.{name}"] = coefficient.estimate
        named[f"se.{name}"] = coefficient.standard_error
    named["estimate.(Intercept)"] = -model.thresholds[0].estimate
    named["se.(Intercept)"] = model.thresholds[0].standard_error
    return named


@pytest.mark.parametrize(
    "call", FILE["further"], ids=lambda call: f"{call['id']} {call['model']}"
)
def test_further_models_match_clmm_and_glmer(call):
    model = further(call)
    named = figures(model)
    assert model.undefined_reason is None
    for name, expected in call["reference"].items():
        assert named[name] == pytest.approx(expected, **CLOSE), name


def test_what_r_puts_near_0_is_0_here_and_said():
    at_boundary = [
        call
        for call in FILE["further"]
        if min(v for k, v in call["reference"].items() if k.startswith("sd.")) < 1e-4
    ]
    assert len(at_boundary) == 5
    for call in at_boundary:
        model = further(call)
        assert 0.0 in model.group_sds.values()
        assert any("is estimated as 0" in caution for caution in model.cautions)
