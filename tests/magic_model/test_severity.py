import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magic_model.severity import Severity, mismatch_ratio, severity_class

volumes = st.just(0.0) | st.floats(1e-6, 2000)  # no volume is so small that it vanishes


# Section 2.1.3: none at 0, mild to moderate above 0 up to 0.5, severe above 0.5.
@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (0.0, Severity.NONE),
        (1e-9, Severity.MILD_MODERATE),
        (0.5, Severity.MILD_MODERATE),
        (math.nextafter(0.5, 1), Severity.SEVERE),
        (3.0, Severity.SEVERE),
        (math.inf, Severity.SEVERE),
    ],
)
def test_classes_are_those_of_the_paper(ratio, expected):
    assert severity_class(ratio) is expected


@pytest.mark.parametrize(
    ("core", "at_risk", "expected"),
    [(0, 0, 0), (0, 50, 0), (10, 40, 0.25), (40, 10, 4), (1, 0, math.inf)],
)
def test_the_ratio_is_core_over_tissue_at_risk(core, at_risk, expected):
    assert mismatch_ratio(core, at_risk) == expected


@given(volumes, volumes, st.floats(0.1, 10))
def test_the_ratio_has_no_unit(core, at_risk, factor):
    ratio = mismatch_ratio(core, at_risk)
    assert mismatch_ratio(core * factor, at_risk * factor) == pytest.approx(ratio)


@given(st.floats(0, 10), st.floats(0, 10))
def test_a_larger_ratio_is_never_milder(a, b):
    order = list(Severity)
    low, high = sorted([a, b])
    assert order.index(severity_class(low)) <= order.index(severity_class(high))


@pytest.mark.parametrize(
    ("core", "at_risk", "message"),
    [
        (-1, 5, "Core must be 0 mL or more, got -1"),
        (1, -5, "Tissue at risk must be 0 mL or more, got -5"),
        (math.nan, 5, "Core must be .* got nan"),
        (1, math.nan, "Tissue at risk must be .* got nan"),
    ],
)
def test_impossible_volumes_are_refused(core, at_risk, message):
    with pytest.raises(ValueError, match=message):
        mismatch_ratio(core, at_risk)
