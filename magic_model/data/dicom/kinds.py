"""Which perfusion map an image is, from its codes and its description."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from magic_model.data.dicom.datasets import UNREADABLE
from magic_model.data.volume import Kind
from magic_model.maps import MAP_SPECS

_KIND_OF_CODE = {spec.dicom_code: Kind(name) for name, spec in MAP_SPECS.items()}

_SPELLINGS = {
    Kind.CBF: r"r?cbf|(?:regional )?cerebral blood flow|blood flow",
    Kind.CBV: r"r?cbv|(?:regional )?cerebral blood volume|blood volume",
    Kind.MTT: r"r?mtt|mean transit time",
    Kind.TTP: r"ttp|time to peak",
    Kind.TMAX: r"t ?max|time to max(?:imum)?",
}

_TEXTS = ("ImageType", "SeriesDescription", "DerivationDescription", "ImageComments")


def guess_kind(dataset: Dataset) -> Kind | None:
    """Guess which map an image is.

    Codes are believed first, then the image type, then descriptions, one after the
    other. A text that names several maps (a montage) or a threshold ("Tmax > 6 s": a
    mask) says nothing.

    Args:
        dataset: Header of one image, classic or enhanced.

    Returns:
        The map, None where nothing tells or the codes disagree.
    """
    coded = set(coded_kinds(dataset))
    if coded:
        return coded.pop() if len(coded) == 1 else None
    texts = (_text(dataset, keyword) for keyword in _TEXTS)
    return next((kind for kind in map(_kind_in, texts) if kind), None)


def coded_kinds(dataset: Dataset) -> Iterator[Kind]:
    """Give every perfusion map that a code in a dataset stands for (DCM codes)."""
    for tag in dataset.keys():  # noqa: SIM118 - iterating decodes, and may fail
        for item in _items(dataset, tag):
            scheme = _text(item, "CodingSchemeDesignator")
            code = _text(item, "CodeValue")
            if scheme == "DCM" and code in _KIND_OF_CODE:
                yield _KIND_OF_CODE[code]
            yield from coded_kinds(item)


def _items(dataset: Dataset, tag: BaseTag) -> Sequence[Dataset]:
    """Give the items of a sequence; a damaged or private element has none."""
    if tag.is_private:
        return ()
    with suppress(*UNREADABLE):
        element = dataset[tag]
        if element.VR == "SQ":
            items: Sequence[Dataset] = element.value
            return items
    return ()


def _text(dataset: Dataset, keyword: str) -> str:
    """Give an attribute, several values by spaces; empty where missing or damaged."""
    with suppress(*UNREADABLE):
        value = dataset.get(keyword, None)
        if isinstance(value, MultiValue):
            return " ".join(str(part) for part in value)
        return "" if value is None else str(value)
    return ""


def _kind_in(text: str) -> Kind | None:
    words = re.sub(r"[\s_\-./\\]+", " ", text.lower())
    found = {
        kind
        for kind, spelling in _SPELLINGS.items()
        if re.search(rf"(?<![a-z0-9])(?:{spelling})(?![a-z0-9])", words)
    }
    is_threshold = re.search(r"[<>≤≥]", text)
    return found.pop() if len(found) == 1 and not is_threshold else None
