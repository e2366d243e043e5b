"""Times of the server as readers see them: pure."""

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reader_study.clock import from_text


def clock_time(time: str, zone: str | None) -> str:
    """Return the time of day.

    Args:
        time: As the server wrote it.
        zone: Of the browser, such as `Europe/Berlin`; None for UTC.

    Examples:
        >>> clock_time("2026-03-01T09:30:05.000000Z", None)
        '09:30:05 UTC'
    """
    return from_text(time).astimezone(_zone(zone)).strftime("%H:%M:%S %Z")


def date_and_time(time: str, zone: str | None, *, plain: bool = False) -> str:
    """Return date and time of day.

    Args:
        time: As the server wrote it.
        zone: Of the browser; None for UTC.
        plain: In numbers, which all languages read.

    Examples:
        >>> date_and_time("2026-03-01T09:30:05.000000Z", None)
        '1 March 2026, 09:30 UTC'
    """
    local = from_text(time).astimezone(_zone(zone))
    if plain:
        return local.strftime("%Y-%m-%d, %H:%M %Z")
    return f"{local.day} {local.strftime('%B %Y, %H:%M %Z')}"


def sortable_time(time: str, zone: str | None) -> str:
    """Return date and time of day so that text sorts as time does; empty for empty.

    Examples:
        >>> sortable_time("2026-03-01T09:30:05.000000Z", None)
        '2026-03-01 09:30'
    """
    if not time:
        return ""
    return from_text(time).astimezone(_zone(zone)).strftime("%Y-%m-%d %H:%M")


def _zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
