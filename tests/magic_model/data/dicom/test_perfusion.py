import numpy as np
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.tag import BaseTag

from magic_model.data.dicom.perfusion import guess_kind, read_map_series
from magic_model.data.volume import Kind
from magic_model.errors import DataError


def _code(code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = code.value, code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def _mapping(unit, slope=0.5, intercept=-1.0, quantity=None) -> Dataset:
    mapping = Dataset()
    mapping.RealWorldValueFirstValueMapped = 0
    mapping.RealWorldValueLastValueMapped = 2000
    for keyword in ("RealWorldValueFirstValueMapped", "RealWorldValueLastValueMapped"):
        mapping[keyword].VR = "SS"
    mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = slope, intercept
    mapping.MeasurementUnitsCodeSequence = [_code(unit)]
    if quantity is not None:
        defined = Dataset()
        defined.ValueType = "CODE"
        defined.ConceptCodeSequence = [_code(quantity)]
        mapping.QuantityDefinitionSequence = [defined]
    return mapping


@pytest.fixture
def grey_map(ct):
    """A map of 0.1 units per stored step."""
    for dataset in ct.slices:
        dataset.RescaleSlope, dataset.RescaleIntercept = 0.1, 0
    return ct


def _values(series):
    return series.stored.transpose(2, 1, 0).astype(float)


def test_rescale_gives_physical_units(tmp_path, grey_map):
    volume = read_map_series(grey_map.write(tmp_path), Kind.CBF)

    np.testing.assert_allclose(volume.array, _values(grey_map) * 0.1, rtol=1e-6)
    np.testing.assert_allclose(volume.affine, grey_map.affine, atol=1e-6)
    assert volume.unit == "mL/100g/min"


@pytest.mark.parametrize(
    ("kind", "unit", "factor"),
    [
        (Kind.TMAX, "ms", 0.001),
        (Kind.TTP, "S", 1.0),
        (Kind.CBF, "ml/100g/min", 1.0),
        (Kind.CBF, "mL/min/100 mL", 1 / 1.05),
        (Kind.CBV, "ml/[100]ml", 1 / 1.05),
        (Kind.CBV, "US", 1.0),
        (Kind.CBF, "ml/100ml/s", 60 / 1.05),  # eCT_Supplemental of pydicom's files
        (Kind.CBF, "0.1 ml/min/100ml", 0.1 / 1.05),
        (Kind.CBF, "mL.(100 g)-1.s-1", 60.0),
        (Kind.CBF, "ml/g/min", 100.0),
        (Kind.CBF, "10*ml/100g/min", 10.0),
        (Kind.CBV, "0.1 ml/100ml", 0.1 / 1.05),
        (Kind.CBV, "ml/dl", 1 / 1.05),
        (Kind.CBV, "ml/g", 100.0),
        (Kind.MTT, "0.1 s", 0.1),
        (Kind.TMAX, "10*-1.s", 0.1),
        (Kind.TTP, "min", 60.0),
    ],
)
def test_units_are_converted(tmp_path, grey_map, kind, unit, factor):
    for dataset in grey_map.slices:
        dataset.RescaleType = unit

    volume = read_map_series(grey_map.write(tmp_path), kind)

    np.testing.assert_allclose(
        volume.array, _values(grey_map) * 0.1 * factor, rtol=1e-6
    )


@pytest.mark.parametrize(
    ("kind", "unit"),
    [
        (Kind.CBF, "ml/100g"),
        (Kind.CBV, "ml/100ml/s"),
        (Kind.MTT, "0.1.1 s"),
        (Kind.MTT, "0 s"),
        (Kind.MTT, "0.0 s"),
        (Kind.CBF, "100"),
    ],
)
def test_what_is_no_unit_of_the_map_is_refused(tmp_path, grey_map, kind, unit):
    for dataset in grey_map.slices:
        dataset.RescaleType = unit

    with pytest.raises(DataError, match=f"unit of {kind} must be"):
        read_map_series(grey_map.write(tmp_path), kind)


def test_a_real_world_mapping_wins_over_rescale(tmp_path, grey_map):
    for dataset in grey_map.slices:
        dataset.RealWorldValueMappingSequence = [
            _mapping(codes.UCUM.NoUnits, slope=9.0),
            _mapping(codes.UCUM.MilliliterPer100GramPerMinute),
        ]

    volume = read_map_series(grey_map.write(tmp_path), Kind.CBF)

    stored = _values(grey_map)
    expected = np.where(stored <= 2000, stored * 0.5 - 1, 0)  # beyond it: not mapped
    np.testing.assert_allclose(volume.array, expected, rtol=1e-6)
    assert (stored > 2000).any()


def test_a_mapping_without_ends_maps_all(tmp_path, grey_map):
    mapping = _mapping(codes.UCUM.Second)
    del mapping.RealWorldValueFirstValueMapped, mapping.RealWorldValueLastValueMapped
    for dataset in grey_map.slices:
        dataset.RealWorldValueMappingSequence = [mapping]

    volume = read_map_series(grey_map.write(tmp_path), Kind.MTT)

    np.testing.assert_allclose(volume.array, _values(grey_map) * 0.5 - 1, rtol=1e-6)


def test_a_real_world_table_is_looked_up(tmp_path, grey_map):
    table = np.sqrt(np.arange(2001))
    for dataset in grey_map.slices:
        mapping = _mapping(codes.UCUM.Second)
        del mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept
        mapping.RealWorldValueLUTData = table.tolist()
        dataset.RealWorldValueMappingSequence = [mapping]

    volume = read_map_series(grey_map.write(tmp_path), Kind.MTT)

    stored = _values(grey_map)
    expected = np.where(stored <= 2000, np.sqrt(stored), 0)
    np.testing.assert_allclose(volume.array, expected, rtol=1e-6)


def test_padding_becomes_zero(tmp_path, grey_map, put_pixels):
    grey_map.stored[0, 0, :3] = [-5, -3, -2]
    put_pixels(grey_map.slices[0], grey_map.stored[0])
    for dataset in grey_map.slices:
        dataset.PixelPaddingValue, dataset.PixelPaddingRangeLimit = -5, -3
        dataset["PixelPaddingValue"].VR = dataset["PixelPaddingRangeLimit"].VR = "SS"

    array = read_map_series(grey_map.write(tmp_path), Kind.CBF).array

    np.testing.assert_allclose(array[:3, 0, 0], [0, 0, -0.2], rtol=1e-6)


def test_a_wrong_unit_is_refused(tmp_path, grey_map):
    grey_map.slices[1].RescaleType = "HU"

    with pytest.raises(DataError, match=r"/00\d: unit of cbf must be .*, got 'HU'"):
        read_map_series(grey_map.write(tmp_path), Kind.CBF)


def test_a_mapping_without_a_fitting_unit_is_refused(tmp_path, grey_map):
    for dataset in grey_map.slices:
        dataset.RealWorldValueMappingSequence = [_mapping(codes.UCUM.Second)]

    with pytest.raises(DataError, match=r"must be mL/100g or convertible, got 's'"):
        read_map_series(grey_map.write(tmp_path), Kind.CBV)


def test_a_mapping_that_maps_nothing_is_refused(tmp_path, grey_map):
    mapping = _mapping(codes.UCUM.Second)
    del mapping.RealWorldValueSlope
    for dataset in grey_map.slices:
        dataset.RealWorldValueMappingSequence = [mapping]

    with pytest.raises(DataError, match="must have a slope or a table"):
        read_map_series(grey_map.write(tmp_path), Kind.MTT)


def test_a_map_coded_as_another_is_refused(tmp_path, grey_map):
    mapping = _mapping(codes.UCUM.Second, quantity=codes.DCM.MeanTransitTime)
    for dataset in grey_map.slices:
        dataset.RealWorldValueMappingSequence = [mapping]
    paths = grey_map.write(tmp_path)

    with pytest.raises(DataError, match=r"must be ttp, is coded as mtt"):
        read_map_series(paths, Kind.TTP)
    assert read_map_series(paths, Kind.MTT).kind is Kind.MTT


def test_values_without_any_unit_are_refused(tmp_path, grey_map):
    del grey_map.slices[2].RescaleIntercept

    with pytest.raises(DataError, match="neither RealWorldValueMapping nor Rescale"):
        read_map_series(grey_map.write(tmp_path), Kind.CBF)


def test_a_colour_map_is_refused(tmp_path, grey_map, put_pixels):
    put_pixels(grey_map.slices[0], np.zeros((6, 8, 3), np.uint8))

    with pytest.raises(DataError, match="must be grey"):
        read_map_series(grey_map.write(tmp_path), Kind.CBF)


@pytest.mark.parametrize(
    ("description", "kind"),
    [
        ("RAPID CBF", Kind.CBF),
        ("rCBF [ml/100g/min]", Kind.CBF),
        ("Perfusion_rBV_CBV_5mm", Kind.CBV),
        ("RegionalCerebralBloodVolume", None),
        ("Regional Cerebral Blood Volume", Kind.CBV),
        ("Blood Flow", Kind.CBF),
        ("MTT Map", Kind.MTT),
        ("mean transit time", Kind.MTT),
        ("CTP.TTP.5.0", Kind.TTP),
        ("Time to Peak", Kind.TTP),
        ("TMax", Kind.TMAX),
        ("T-max (s)", Kind.TMAX),
        ("TMAX_RAPID", Kind.TMAX),
        ("RAPID Tmax>6s", None),
        ("CBF < 30%", None),
        ("CBF CBV MTT TTP", None),
        ("Head 2.5", None),
        ("", None),
    ],
)
def test_descriptions_of_vendors(description, kind):
    dataset = Dataset()
    dataset.SeriesDescription = description

    assert guess_kind(dataset) is kind


def test_the_image_type_and_the_derivation_tell_too():
    dataset = Dataset()
    dataset.DerivationDescription = "Tmax from deconvolution"
    assert guess_kind(dataset) is Kind.TMAX
    dataset.ImageType = ["DERIVED", "PRIMARY", "PERFUSION", "MTT"]
    assert guess_kind(dataset) is Kind.MTT


def test_a_code_wins_over_the_description():
    dataset = Dataset()
    dataset.SeriesDescription = "CBV"
    dataset.RealWorldValueMappingSequence = [
        _mapping(codes.UCUM.Second, quantity=codes.DCM.Tmax)
    ]
    assert guess_kind(dataset) is Kind.TMAX

    dataset.RealWorldValueMappingSequence.append(
        _mapping(codes.UCUM.Second, quantity=codes.DCM.TimeToPeak)
    )
    assert guess_kind(dataset) is None


def test_a_damaged_element_tells_nothing():
    dataset = Dataset()
    dataset.SeriesDescription = "CBF"
    damaged = RawDataElement(BaseTag(0x00082112), "XX", 2, b"ab", 0, False, True)
    dataset._dict[damaged.tag] = damaged
    dataset.add_new(0x00091001, "SQ", [])  # a vendor's own

    assert guess_kind(dataset) is Kind.CBF
