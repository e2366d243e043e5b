import pytest

from magic_model.data.volume import UNITS, Kind
from magic_model.maps import MAP_SPECS, PAPER_MAPS, PerfusionMap


def test_every_map_is_specified_and_is_a_kind_of_volume():
    assert set(MAP_SPECS) == set(PerfusionMap)
    for name, spec in MAP_SPECS.items():
        assert UNITS[Kind(name)] == spec.unit
        low, high = spec.value_range
        assert low == 0 < high


def test_ranges_are_those_of_the_paper():
    # Section 2.1.2.
    printed = {"cbf": (0, 60), "cbv": (0, 4), "mtt": (0, 12), "ttp": (0, 25)}
    assert {m.value: MAP_SPECS[m].value_range for m in PAPER_MAPS} == printed


# DICOM PS3.16 CID 7263 and Annex D; highdicom carries its own copy of the table.
@pytest.mark.parametrize(
    ("name", "keyword"),
    [
        ("cbf", "RegionalCerebralBloodFlow"),
        ("cbv", "RegionalCerebralBloodVolume"),
        ("mtt", "MeanTransitTime"),
        ("ttp", "TimeToPeak"),
        ("tmax", "Tmax"),
    ],
)
def test_codes_are_those_of_dicom(name, keyword):
    from pydicom.sr.codedict import codes

    spec = MAP_SPECS[PerfusionMap(name)]
    code = getattr(codes.DCM, keyword)
    assert (code.value, code.scheme_designator) == (spec.dicom_code, "DCM")
    assert code.meaning == spec.dicom_meaning
