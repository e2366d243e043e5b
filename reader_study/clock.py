"""The server's clock, and how its times are written down."""

from datetime import UTC, datetime
from typing import Protocol

from reader_study.errors import StudyError


class Clock(Protocol):
    """Source of the server's time."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        ...


_EXAMPLE = "2026-03-01T09:30:00.000000Z"


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC)


def to_text(time: datetime) -> str:
    """Write a time so that text sorts as time does.

    Examples:
        >>> to_text(datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
        '2026-03-01T09:30:00.000000Z'
    """
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """Read a time that `to_text` wrote.

    Raises:
        StudyError: If it is no such time, as in a damaged database.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError as error:
        msg = f"A stored time must be such as {_EXAMPLE}, got {text!r:.40}; "
        raise StudyError(msg + "magic-study verify names the entry") from error


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from one written time to another.

    Examples:
        >>> seconds_between(
        ...     "2026-03-01T09:30:00.000000Z", "2026-03-01T09:31:30.500000Z"
        ... )
        90.5
    """
    return (from_text(end) - from_text(start)).total_seconds()
