"""Rows of the monitor's tables: pure."""

from app.coordinator.desk import Desk
from app.times import sortable_time
from reader_study.reading.reader_state import ReaderState
from reader_study.running.status import TrialStatus

Row = dict[str, str | int | float | None]
"""Value by heading, in the order in which they are shown."""


def progress_rows(desk: Desk, zone: str | None) -> list[Row]:
    """Give a row per reader and trial.

    Args:
        desk: What is known.
        zone: Time zone of the browser.
    """
    return [
        {
            "Reader": trial.reader,
            "Trial": trial.trial,
            "Stands": _stands(desk, trial, zone),
            "Assigned": trial.n_assigned,
            "Opened": trial.n_opened,
            "Submitted": trial.n_submitted,
            "Declined": trial.n_declined,
            "Missing": trial.n_missing,
            "Corrected": trial.n_corrected,
            "Signed": sortable_time(trial.signed_at, zone),
            "Seconds": _rounded(trial.seconds),
            "Active seconds": _rounded(trial.active_seconds),
        }
        for trial in desk.status.trials
    ]


def reader_rows(desk: Desk, zone: str | None) -> list[Row]:
    """Give a row per reader, with the codes that still let in."""
    return [
        {
            "Reader": reader.name,
            "Status": reader.status.value + (", bot" if reader.simulated else ""),
            "Unused codes": len(desk.codes.get(reader.name, ())),
            "Usable until": sortable_time(
                max(desk.codes.get(reader.name, ()), default=""), zone
            ),
            "Specialty": reader.specialty,
            "Years": reader.years,
            "Place": reader.slot,
            "In place of": reader.replaces,
            "Added": sortable_time(reader.added_at, zone),
        }
        for reader in desk.status.readers
    ]


def deviation_rows(desk: Desk, zone: str | None) -> list[Row]:
    """Give a row per deviation."""
    return [
        {
            "Recorded": sortable_time(deviation.recorded_at, zone),
            "Deviation": deviation.kind.replace("_", " ").capitalize(),
            "Reader": deviation.reader,
            "Trial": deviation.trial or None,
            "Recorded by": deviation.recorded_by,
            "Approved by": deviation.approved_by,
        }
        for deviation in desk.deviations
    ]


def _stands(desk: Desk, trial: TrialStatus, zone: str | None) -> str:
    progress = desk.progress.get(trial.reader)
    if progress is None:
        return "takes no more part"
    if trial.signed_at:
        return "signed"
    if trial.trial > progress.trial:
        return "later"
    if progress.washout_until:
        return f"washout until {sortable_time(progress.washout_until, zone)}"
    early = (trial.reader, trial.trial) in desk.early
    return _at_hand(trial, progress) + (", early start permitted" if early else "")


def _at_hand(trial: TrialStatus, progress: ReaderState) -> str:
    if progress.may_sign:
        return "to be signed"
    if not trial.n_opened:
        return "not begun"
    return f"at {progress.position} of {progress.n_readings}"


def _rounded(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)
