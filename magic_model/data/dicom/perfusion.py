"""Perfusion maps in grey DICOM images: which map it is, its unit and its values."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from magic_model.data.dicom.files import UNREADABLE
from magic_model.data.dicom.frames import Frame, read_frames, stack_frames
from magic_model.data.volume import UNITS, FloatArray, Kind, Volume
from magic_model.errors import DataError
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
    """Return every perfusion map that a code in a dataset stands for (DCM codes)."""
    for tag in dataset.keys():  # noqa: SIM118 - iterating decodes, and may fail
        for item in _items(dataset, tag):
            scheme = _text(item, "CodingSchemeDesignator")
            code = _text(item, "CodeValue")
            if scheme == "DCM" and code in _KIND_OF_CODE:
                yield _KIND_OF_CODE[code]
            yield from coded_kinds(item)


_BRAIN_DENSITY = 1.05
"""g/mL; vendors give flow and volume per 100 g or per 100 mL of tissue."""

_TISSUE = {
    "100g": 1.0,
    "100ml": 1 / _BRAIN_DENSITY,
    "dl": 1 / _BRAIN_DENSITY,
    "g": 100.0,
    "ml": 100 / _BRAIN_DENSITY,
}
"""What a volume of blood in mL per so much tissue is, per 100 g."""

_TIME = {
    "s": 1.0,
    "sec": 1.0,
    "secs": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 0.001,
    "msec": 0.001,
    "millisecond": 0.001,
    "milliseconds": 0.001,
    "min": 60.0,
}
"""Seconds in a unit of time."""

_FACTORS: dict[str, dict[str, float]] = {
    "s": _TIME,
    "mL/100g": {f"ml/{per}": factor for per, factor in _TISSUE.items()}
    | {"%": 1 / _BRAIN_DENSITY, "vol%": 1 / _BRAIN_DENSITY},
    "mL/100g/min": {
        written: factor * 60 / seconds
        for per, factor in _TISSUE.items()
        for time, seconds in _TIME.items()
        for written in (f"ml/{per}/{time}", f"ml/{time}/{per}")
    },
}
"""What to multiply by, for each unit of a map and each way to write one."""

_UNSPECIFIED = ("", "us")  # DICOM PS3.3 C.11.1.1.2


OUTSIDE = 0.0
"""Value of padding, and of stored values that the mapping does not cover."""

_TRANSFORMATION = "PixelValueTransformationSequence"
_MAPPING = "RealWorldValueMappingSequence"


def read_map_series(paths: Sequence[Path], kind: Kind) -> Volume:
    """Read the slices of one perfusion map.

    A RealWorldValueMapping wins over rescale slope and intercept. Where a unit is told,
    it is checked and converted: milliseconds or tenths of a second to seconds, per
    second to per minute, per 100 mL of tissue to per 100 g with a density of 1.05 g/mL.

    Args:
        paths: Files of one series in any order.
        kind: The map it is taken for.

    Raises:
        DataError: Naming the file, if one cannot be read, is colour, is coded as
            another map, has another unit, or tells neither mapping nor rescale; or if
            they make no even, straight stack.
    """
    frames = read_frames(paths, partial(_require_kind, kind=kind))
    return stack_frames(frames, partial(in_units, kind=kind), kind)


def in_units(frame: Frame, kind: Kind) -> FloatArray:
    """Convert stored values to the unit of a map, `(rows, columns)`.

    Raises:
        DataError: If the file does not tell how, or tells another unit.
    """
    try:
        mappings = frame.items(_MAPPING)
        values = _mapped(frame, mappings, kind) if mappings else _rescaled(frame, kind)
    except DataError as error:
        msg = f"{frame.name}: {error}"
        raise DataError(msg) from error
    return np.where(frame.is_padding(), OUTSIDE, values).astype(np.float32)


def _items(dataset: Dataset, tag: BaseTag) -> Sequence[Dataset]:
    """Return the items of a sequence; a damaged or private element has none."""
    if tag.is_private:
        return ()
    with suppress(*UNREADABLE):
        element = dataset[tag]
        if element.VR == "SQ":
            items: Sequence[Dataset] = element.value
            return items
    return ()


def _text(dataset: Dataset, keyword: str) -> str:
    """Return an attribute, several values by spaces; empty where missing or damaged."""
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


def _factor_to(kind: Kind, unit: str) -> float | None:
    """Find what to multiply by to reach the unit of a kind.

    Args:
        kind: A perfusion map.
        unit: In UCUM or as a vendor writes it, with a number before it where values are
            stored in parts of it; case, spaces and brackets do not count.

    Returns:
        The factor, or None where the unit is left unspecified.

    Raises:
        DataError: If it is no unit of such a map.

    Examples:
        >>> _factor_to(Kind.MTT, "0.1 s")
        0.1
        >>> _factor_to(Kind.CBF, "ml/[100]g/min")
        1.0
    """
    written = _plain_unit(unit)
    if written in _UNSPECIFIED:
        return None
    rest = written.lstrip("0123456789.")
    number = written.removesuffix(rest)
    factors = _FACTORS[UNITS[kind]]
    is_number = number.count(".") <= 1 and number.strip("0.") != ""
    if rest not in factors or (number and not is_number):
        msg = f"unit of {kind} must be {UNITS[kind]} or convertible, got {unit!r}"
        raise DataError(msg)
    return float(number or 1) * factors[rest]


def _plain_unit(unit: str) -> str:
    """Write a unit as in the table: `ml/100g/min` for `mL.(100 g)-1.min^-1`."""
    tenths = re.sub(r"10\*(-\d)\.?", lambda power: f"{10 ** int(power[1])} ", unit)
    written = tenths.lower().translate(str.maketrans("", "", " []{}()*^"))
    written = written.replace("cc", "ml").replace("\u00b7", ".")
    written = re.sub(r"\.?(100g|100ml|dl|g|ml|min|s)-1", r"/\1", written)
    return re.sub(r"\.(?=[a-z])", "", written)


def _require_kind(dataset: Dataset, path: Path, *, kind: Kind) -> None:
    coded = set(coded_kinds(dataset))
    if coded and kind not in coded:
        msg = f"{path}: must be {kind}, is coded as {', '.join(sorted(coded))}"
        raise DataError(msg)


def _rescaled(frame: Frame, kind: Kind) -> NDArray[np.float64]:
    slope = frame.number("RescaleSlope", _TRANSFORMATION)
    intercept = frame.number("RescaleIntercept", _TRANSFORMATION)
    if slope is None or intercept is None:
        msg = "neither RealWorldValueMapping nor RescaleSlope and RescaleIntercept"
        raise DataError(msg)
    factor = _factor_to(kind, frame.text("RescaleType", _TRANSFORMATION))
    values = frame.stored.astype(np.float64) * slope + intercept
    return values if factor is None else values * factor


def _mapped(
    frame: Frame, mappings: Sequence[Dataset], kind: Kind
) -> NDArray[np.float64]:
    """Apply the first mapping whose unit fits (DICOM PS3.3 C.7.6.16.2.11)."""
    refusals = []
    for mapping in mappings:
        try:
            factor = _factor_to(kind, _unit(mapping))
        except DataError as error:
            refusals.append(str(error))
            continue
        values = _looked_up(frame.stored, mapping)
        return values if factor is None else values * factor
    raise DataError("; ".join(refusals))


def _unit(mapping: Dataset) -> str:
    units = mapping.get("MeasurementUnitsCodeSequence", None) or ()
    return str(units[0].get("CodeValue", "")) if units else ""


def _looked_up(stored: NDArray[np.number], mapping: Dataset) -> NDArray[np.float64]:
    first, last = _stored_range(mapping)
    outside = (stored < first) | (stored > last)
    table = mapping.get("RealWorldValueLUTData", None)
    if table is None:
        if "RealWorldValueSlope" not in mapping:
            msg = "RealWorldValueMapping must have a slope or a table"
            raise DataError(msg)
        slope = float(mapping.RealWorldValueSlope)
        intercept = float(mapping.get("RealWorldValueIntercept", 0.0))
        values = stored.astype(np.float64) * slope + intercept
    else:
        entries = np.atleast_1d(np.asarray(table, dtype=np.float64))
        places = np.where(outside, first, stored) - first
        values = entries[np.clip(places, 0, len(entries) - 1).astype(np.intp)]
    return np.where(outside, OUTSIDE, values)


def _stored_range(mapping: Dataset) -> tuple[float, float]:
    """Return the smallest and largest stored value that is mapped."""
    return (
        _end_of_range(mapping, "First", -np.inf),
        _end_of_range(mapping, "Last", np.inf),
    )


def _end_of_range(mapping: Dataset, end: str, default: float) -> float:
    for prefix in ("DoubleFloat", ""):
        value = mapping.get(f"{prefix}RealWorldValue{end}ValueMapped", None)
        if value is not None:
            return float(value)
    return default
