"""Read a perfusion map from grey DICOM images in physical units."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from magic_model.data.dicom.frames import Frame, read_frames, stack_frames
from magic_model.data.dicom.kinds import coded_kinds
from magic_model.data.dicom.units import factor_to
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError

OUTSIDE = 0.0
"""Value of padding, and of stored values that the mapping does not cover."""

_TRANSFORMATION = "PixelValueTransformationSequence"
_MAPPING = "RealWorldValueMappingSequence"


def read_map_series(paths: Sequence[Path], kind: Kind) -> Volume:
    """Read the slices of one perfusion map.

    A RealWorldValueMapping wins over rescale slope and intercept. Where a unit is told,
    it is checked and converted: milliseconds to seconds, per 100 mL of tissue to per
    100 g with a density of 1.05 g/mL.

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
    factor = factor_to(kind, frame.text("RescaleType", _TRANSFORMATION))
    values = frame.stored.astype(np.float64) * slope + intercept
    return values if factor is None else values * factor


def _mapped(
    frame: Frame, mappings: Sequence[Dataset], kind: Kind
) -> NDArray[np.float64]:
    """Apply the first mapping whose unit fits (DICOM PS3.3 C.7.6.16.2.11)."""
    refusals = []
    for mapping in mappings:
        try:
            factor = factor_to(kind, _unit(mapping))
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
    """Give the smallest and largest stored value that is mapped."""
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
