import highdicom as hd
import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.sr.codedict import codes

from magic_model.data.dicom.parametric_map import (
    read_parametric_map,
    write_parametric_map,
)
from magic_model.data.dicom.perfusion import guess_kind, read_map_series
from magic_model.data.dicom.study import StudyContext, identifying_attributes
from magic_model.data.nifti import read_nifti, write_nifti
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import MAP_SPECS, PerfusionMap


def _orthogonal(rng, flips=(1, 1, 1), axes=(0, 1, 2)):
    """An affine turned by a random rotation, axes swapped and flipped."""
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = turn[:, list(axes)] * flips * rng.uniform(0.4, 8, 3)
    affine[:3, 3] = rng.uniform(-250, 250, 3)
    return affine


@pytest.fixture
def volume(rng):
    array = rng.gamma(2.0, 10.0, (7, 6, 5)).astype(np.float32)
    return Volume(array, np.diag([-0.9, -0.8, 2.5, 1]), Kind.CBF)


# DICOM PS3.16 CID 7180 and 7181 by pydicom's dictionary, made from the standard.
@pytest.mark.parametrize(
    ("name", "concept", "unit"),
    [
        ("cbf", codes.DCM.RegionalCerebralBloodFlow,
         codes.UCUM.MilliliterPer100GramPerMinute),
        ("cbv", codes.DCM.RegionalCerebralBloodVolume, None),
        ("mtt", codes.DCM.MeanTransitTime, codes.UCUM.Second),
        ("ttp", codes.DCM.TimeToPeak, codes.UCUM.Second),
        ("tmax", codes.DCM.Tmax, codes.UCUM.Second),
    ],
)  # fmt: skip
def test_codes_and_units_are_those_of_the_standard(name, concept, unit):
    spec = MAP_SPECS[PerfusionMap(name)]

    assert (spec.dicom_code, spec.dicom_meaning) == (concept.value, concept.meaning)
    # The standard lists blood volume per 100 ml only: ours is per 100 g, in its style.
    assert spec.ucum == (unit.value if unit else "ml/[100]g")


def test_every_map_states_code_and_unit(tmp_path, volume):
    for name, spec in MAP_SPECS.items():
        path = tmp_path / f"{name}.dcm"
        write_parametric_map(volume.with_array(volume.array, name), path)

        dataset = pydicom.dcmread(path)
        groups = dataset.SharedFunctionalGroupsSequence[0]
        mapping = groups.RealWorldValueMappingSequence[0]
        quantity = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0]
        unit = mapping.MeasurementUnitsCodeSequence[0]
        assert (quantity.CodeValue, quantity.CodingSchemeDesignator) == (
            spec.dicom_code,
            "DCM",
        )
        assert (unit.CodeValue, unit.CodingSchemeDesignator) == (spec.ucum, "UCUM")
        assert dataset.ContentQualification == "RESEARCH"
        assert "RESEARCH USE ONLY" in dataset.SeriesDescription
        assert spec.long_name in dataset.DerivationDescription
        assert guess_kind(dataset) is Kind(name)
        assert read_parametric_map(path).kind is Kind(name)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    seed=st.integers(0, 2**32),
    flips=st.tuples(*[st.sampled_from([1, -1])] * 3),
    axes=st.permutations(range(3)),
)
def test_nifti_to_parametric_map_and_back_is_exact(tmp_path_factory, seed, flips, axes):
    folder = tmp_path_factory.mktemp("round")
    rng = np.random.default_rng(seed)
    shape = rng.integers(2, 7, 3)
    array = rng.normal(20, 50, shape).astype(np.float32)
    write_nifti(Volume(array, _orthogonal(rng, flips, axes), "mtt"), folder / "m.nii")
    volume = read_nifti(folder / "m.nii", Kind.MTT)

    write_parametric_map(volume, folder / "m.dcm")
    back = read_parametric_map(folder / "m.dcm")

    np.testing.assert_array_equal(back.array, volume.array)
    np.testing.assert_allclose(back.affine, volume.affine, rtol=0, atol=1e-6)


def test_numbers_at_the_edge_of_float32_and_nan_come_back(tmp_path, volume):
    array = volume.array.copy()
    array[0, 0, :] = [np.nan, 0.0, -1e-38, np.finfo(np.float32).max, 1e-45]

    write_parametric_map(volume.with_array(array), tmp_path / "m.dcm")

    back = read_parametric_map(tmp_path / "m.dcm").array
    np.testing.assert_array_equal(back, array)


def test_one_slice_comes_back(tmp_path, volume):
    single = Volume(volume.array[:, :, :1], volume.affine, Kind.CBF)

    write_parametric_map(single, tmp_path / "m.dcm")

    back = read_parametric_map(tmp_path / "m.dcm")
    np.testing.assert_array_equal(back.array, single.array)
    np.testing.assert_allclose(back.affine, single.affine, atol=1e-6)


def test_other_readers_see_the_same(tmp_path, volume):
    path = tmp_path / "m.dcm"
    write_parametric_map(volume, path)

    by_pydicom = pydicom.dcmread(path).pixel_array
    by_highdicom = hd.pm.ParametricMap.from_dataset(pydicom.dcmread(path)).get_volume()

    np.testing.assert_array_equal(by_pydicom.transpose(2, 1, 0), volume.array)
    # highdicom's volume is (slice, row, column) in LPS, in an order of its own.
    for index in ((0, 0, 0), (6, 5, 4), (2, 1, 3)):
        lps = (volume.affine @ [*index, 1])[:3] * [-1, -1, 1]
        theirs = by_highdicom.map_reference_to_indices(lps[None])[0].round()
        value = by_highdicom.array[tuple(theirs.astype(int))]
        assert value == volume.array[index]


def test_the_series_reader_takes_it_too(tmp_path, volume):
    write_parametric_map(volume, tmp_path / "m.dcm")

    back = read_map_series([tmp_path / "m.dcm"], Kind.CBF)

    np.testing.assert_array_equal(back.array, volume.array)


def test_nothing_of_the_source_is_written(tmp_path, volume, ct):
    for dataset in ct.slices:
        dataset.AccessionNumber = "ACC-999"
        dataset.InstitutionName = "St Elsewhere"
        dataset.ReferringPhysicianName = "House^Gregory"
        dataset.StudyDate, dataset.StudyID = "20190304", "STUDY-5"
        dataset.PatientComments = "lives in Elm Street"
    planted = {
        str(element.value)
        for dataset in ct.slices
        for element in dataset
        if element.VR in {"UI", "PN", "LO", "SH", "DA", "LT"}
        and element.keyword != "SOPClassUID"
    }
    study = StudyContext("p000007")
    path = tmp_path / "m.dcm"

    write_parametric_map(volume, path, source=ct.slices, study=study)

    content = path.read_bytes()
    assert len(planted) > 12
    assert [text for text in planted if text.encode() in content] == []
    dataset = pydicom.dcmread(path)
    assert identifying_attributes(dataset) == []
    assert dataset.PatientID == dataset.PatientName == "p000007"
    assert dataset.PatientBirthDate == ""
    assert dataset.StudyInstanceUID == study.study_uid


def test_source_images_are_referred_to_by_replaced_uids(tmp_path, volume, ct):
    study = StudyContext()
    path = tmp_path / "m.dcm"

    write_parametric_map(volume, path, source=ct.slices, study=study)

    dataset = pydicom.dcmread(path)
    expected = [study.replace_uid(source.SOPInstanceUID) for source in ct.slices]
    (series,) = dataset.ReferencedSeriesSequence
    assert expected == [
        item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence
    ]
    assert expected == [
        item.ReferencedSOPInstanceUID for item in dataset.SourceImageSequence
    ]


def test_without_source_nothing_is_referred_to(tmp_path, volume):
    write_parametric_map(volume, tmp_path / "m.dcm")

    dataset = pydicom.dcmread(tmp_path / "m.dcm")
    assert "ReferencedSeriesSequence" not in dataset
    assert "SourceImageSequence" not in dataset


@pytest.mark.parametrize("own", ["HOSPITAL-4711", "4711"])
def test_the_hospitals_own_id_is_refused(tmp_path, volume, ct, own):
    ct.slices[0].PatientID = own

    with pytest.raises(DataError, match="must not be the source's") as refusal:
        write_parametric_map(
            volume, tmp_path / "m.dcm", source=ct.slices, study=StudyContext(own)
        )

    assert own not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_an_id_that_is_study_local_already_is_kept(tmp_path, volume, ct):
    for dataset in ct.slices:
        StudyContext("p000007").mark(dataset)

    write_parametric_map(
        volume, tmp_path / "m.dcm", source=ct.slices, study=StudyContext("p000007")
    )

    assert read_parametric_map(tmp_path / "m.dcm").kind is Kind.CBF


def test_what_cannot_be_a_map_is_refused(tmp_path, volume):
    path = tmp_path / "m.dcm"
    sheared = volume.affine.copy()
    sheared[1, 2] = 0.5
    nothing = np.full(volume.shape, np.nan)
    infinite = np.full(volume.shape, np.inf)

    for bad, reason in (
        (volume.with_array(volume.array, "ncct"), "must hold a perfusion map"),
        (Volume(volume.array, sheared, "cbf"), "must be at right angles"),
        (volume.with_array(nothing), "must hold numbers or NaN"),
        (volume.with_array(infinite), "must hold numbers or NaN"),
    ):
        with pytest.raises(DataError, match=reason):
            write_parametric_map(bad, path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_half_written_stays(tmp_path, volume, monkeypatch):
    def fail(dataset, path, **options):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pydicom.Dataset, "save_as", fail)

    with pytest.raises(DataError, match=r"m\.dcm: cannot be written \(No space left"):
        write_parametric_map(volume, tmp_path / "m.dcm")
    assert list(tmp_path.iterdir()) == []


def test_other_objects_are_not_read_as_maps(tmp_path, ct):
    with pytest.raises(DataError, match="must be a Parametric Map"):
        read_parametric_map(ct.write(tmp_path)[0])


def test_a_map_of_something_else_is_refused(tmp_path, volume):
    path = tmp_path / "m.dcm"
    write_parametric_map(volume, path)
    dataset = pydicom.dcmread(path)
    mapping = dataset.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    del mapping[0].QuantityDefinitionSequence
    dataset.save_as(path)

    with pytest.raises(DataError, match="coded as one perfusion map"):
        read_parametric_map(path)
