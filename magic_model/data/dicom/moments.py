"""When the images of a DICOM series were taken, by what their scanner writes."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from magic_model.data.dicom.frames import Frame

_DAY_S = 86_400.0
_CONTENT = "FrameContentSequence"
_CARDIAC = "CardiacSynchronizationSequence"
_GE_MID_SCAN = (0x0019, 0x1024)
_LONGEST_S = 600.0  # a perfusion scan; what seems longer is in milliseconds

_Times = Sequence[NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Moments:
    """Times of images, place by place.

    Attributes:
        seconds: For each place an array, in the order of its images.
        notes: What was assumed.
    """

    seconds: _Times
    notes: tuple[str, ...] = ()


def find_moments(columns: Sequence[Sequence[Frame]]) -> Moments | None:
    """Return the times of images; None if nothing tells them apart.

    What tells another time for every image of a place counts, in this order: date and
    time of acquisition (of the frame, else of the file), offset of the temporal
    position, trigger time, and GE's private mid scan time (0019,1024). The time of the
    content, which is that of reconstruction, never does.

    Args:
        columns: The images of each place.
    """
    for source, unit in _SOURCES:
        told = [[source(frame) for frame in column] for column in columns]
        if any(one is None for column in told for one in column):
            continue
        seconds: _Times = [np.array(c, np.float64) * unit for c in told]
        if source is _acquired:
            seconds = _over_midnight(seconds)
        if all(len(np.unique(column)) == len(column) for column in seconds):
            return _in_seconds(seconds)
    return None


def _in_seconds(seconds: _Times) -> Moments:
    span = max(float(np.ptp(column)) for column in seconds)
    if span > _LONGEST_S and span / 1000 <= _LONGEST_S:
        note = f"its times span {span:g}: taken as milliseconds"
        return Moments([column / 1000 for column in seconds], (note,))
    return Moments(seconds)


def _over_midnight(seconds: _Times) -> _Times:
    """Move what is after midnight to the next day, where no date tells it."""
    together = np.concatenate(seconds)
    if together.max() >= _DAY_S or np.ptp(together) < _DAY_S / 2:
        return seconds
    return [np.where(s < _DAY_S / 2, s + _DAY_S, s) for s in seconds]


def _acquired(frame: Frame) -> float | None:
    for keyword in ("FrameAcquisitionDateTime", "AcquisitionDateTime"):
        found = _moment(frame.text(keyword, _CONTENT))
        if found is not None:
            return found
    day = frame.text("AcquisitionDate", _CONTENT)
    clock = frame.text("AcquisitionTime", _CONTENT)
    return _moment(day + clock) if _day(day) else _clock(clock)


def _moment(text: str) -> float | None:
    """Return seconds of `YYYYMMDDHHMMSS.FFFFFF`, with a time zone or without."""
    day, clock = _day(text), _clock(text[8:])
    return None if day is None or clock is None else day * _DAY_S + clock


def _day(text: str) -> int | None:
    found = re.match(r"(\d{4})(\d{2})(\d{2})", text)
    if not found:
        return None
    try:
        return date(*map(int, found.groups())).toordinal()
    except ValueError:
        return None


def _clock(text: str) -> float | None:
    """Return seconds since midnight of `HHMMSS.FFFFFF`, also with colons."""
    found = re.match(r"(\d{2}):?(\d{2}):?(\d{2}(?:\.\d+)?)", text)
    if not found:
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def _number(keyword: str, group: str) -> Callable[[Frame], float | None]:
    return lambda frame: frame.number(keyword, group)


def _ge(frame: Frame) -> float | None:
    try:
        return float(frame.dataset[_GE_MID_SCAN].value)
    except (KeyError, TypeError, ValueError):
        return None


_SOURCES: tuple[tuple[Callable[[Frame], float | None], float], ...] = (
    (_acquired, 1.0),
    (_number("TemporalPositionTimeOffset", "TemporalPositionSequence"), 1.0),
    (_number("NominalCardiacTriggerDelayTime", _CARDIAC), 1e-3),
    (_number("TriggerTime", _CARDIAC), 1e-3),
    (_ge, 1.0),
)
