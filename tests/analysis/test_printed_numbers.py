import pytest

from analysis.recovery import PrintedNumber


@pytest.mark.parametrize(
    ("printed", "value", "fits", "units"),
    [
        ("0.1885", 0.188474, True, 0),
        ("0.188", 0.188474, True, 0),
        ("53.24", 53.62318, False, 38),
        ("0.334", 0.331, False, -3),
        ("-0.019", -0.0194, True, 0),
        ("95.00", 95.0, True, 0),
        ("0.5", 0.55, True, 0),  # half a unit rounds either way
    ],
)
def test_what_a_value_must_be_to_be_printed_so(printed, value, fits, units):
    number = PrintedNumber(printed)
    assert number.fits(value) is fits
    assert number.units_from(value) == units


def test_as_many_digits_as_printed():
    assert PrintedNumber("95.00").format(95) == "95.00"
    assert PrintedNumber("140").decimals == 0


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="must be finite, got"):
        PrintedNumber(text)
