"""Words by which series are told, and what of them is passed on."""

import pytest

from magic_model.data.dicom import description


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Head 5.0mm native", "Head 5.0mm native"),
        ("MUELLER^Anna geb. 12.03.1951 CCT 1 mm", "CCT 1mm"),
        ("Case4711_CTA_Dr.Smith", "CTA"),
        ("12 03 51 / 0711-4711", ""),
        ("St. Elsewhere Hospital BRAIN  BRAIN", "BRAIN"),
        ("", ""),
    ],
)
def test_only_words_of_radiology_are_passed_on(text, left):
    assert description.cleaned_description(text) == left


@pytest.mark.parametrize("kernel", ["H31s", "Br64f", "FC68", "STANDARD", "STD+", "UB"])
def test_known_kernels_are_passed_on(kernel):
    assert description.cleaned_kernel(kernel) == kernel


@pytest.mark.parametrize("kernel", ["Smith", "12.3.1951", "H311951", "Anna 31"])
def test_other_kernels_are_not(kernel):
    assert description.cleaned_kernel(kernel) == "other"


@pytest.mark.parametrize(
    ("kernel", "text"),
    [
        ("H60s", ""),
        ("Hr59h 3", ""),
        ("B70f", ""),
        ("FC30", ""),
        ("FC81", ""),
        ("BONEPLUS", ""),
        ("D", ""),
        ("", "BONE 1MM"),
        ("", "Schaedel Knochen"),
        ("other", "Crane os 0.6"),
    ],
)
def test_sharp_kernels_are_known(kernel, text):
    assert description.is_sharp(kernel, text)


@pytest.mark.parametrize(
    ("kernel", "text"),
    [
        ("H31s", "Head + BONE"),
        ("STANDARD", "bone window"),
        ("J40s", ""),
        ("FC21", ""),
        ("UB", ""),
        ("", "STD 5MM"),
    ],
)
def test_soft_kernels_are_no_sharp_ones(kernel, text):
    assert not description.is_sharp(kernel, text)


@pytest.mark.parametrize(
    "text",
    ["CTA Willis", "Head C+", "mit KM", "ANGIO 1.0", "venous phase", "post contrast"],
)
def test_contrast_is_known_by_words(text):
    assert description.tells_contrast(text)


@pytest.mark.parametrize(
    "text",
    [
        "Head",
        "without contrast",
        "ohne KM",
        "non-contrast CT",
        "CT w/o contrast",
        "CTAC",
    ],
)
def test_no_contrast_is_known_by_words(text):
    assert not description.tells_contrast(text)


@pytest.mark.parametrize(
    ("ask", "text", "answer"),
    [
        (description.is_projection, "DERIVED SECONDARY AXIAL MIP", True),
        (description.is_projection, "AX MinIP 10", True),
        (description.is_projection, "CTP_tMIP", True),
        (description.is_projection, "DERIVED SECONDARY MPR", False),
        (description.is_average, "DERIVED SECONDARY REFORMATTED AVERAGE", True),
        (description.is_average, "ORIGINAL PRIMARY AXIAL", False),
        (description.is_localizer, "ORIGINAL PRIMARY LOCALIZER", True),
        (description.is_localizer, "Topogram 0.6", True),
        (description.is_localizer, "Head", False),
        (description.is_elsewhere, "C-SPINE", True),
        (description.is_elsewhere, "CHEST", True),
        (description.is_elsewhere, "HEAD NECK", False),
        (description.is_elsewhere, "", False),
    ],
)
def test_what_it_is_is_known_by_words(ask, text, answer):
    assert ask(text) is answer
