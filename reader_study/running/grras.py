"""Items of the reporting guideline GRRAS that a study can fill in by itself.

Kottner J, Audige L, Brorson S, et al. Guidelines for Reporting Reliability and
Agreement Studies (GRRAS) were proposed. J Clin Epidemiol 2011;64:96-106.
"""

from collections.abc import Sequence

from reader_study.formats.canonical import canonical_bytes
from reader_study.formats.protocol import Protocol
from reader_study.running.status import Status
from reader_study.store.milestones import Phase


def grras_items(
    protocol: Protocol, status: Status, intervals: Sequence[float]
) -> dict[int, str]:
    """Give the items by number; those about aims and meaning are the authors'.

    Args:
        protocol: As built.
        status: Of the study.
        intervals: Days between the two trials, one per reader who signed both.
    """
    active = [reader for reader in status.readers if reader.active]
    assigned = sum(trial.n_assigned for trial in status.trials)
    submitted = sum(trial.n_submitted for trial in status.trials)
    drawn = ", ".join(f"{n} {name}" for name, n in protocol.per_severity.items())
    items = {
        3: f"Cases: {protocol.n_cases} ({drawn}).",
        4: f"Readers: {_specialties(status)}.",
        6: f"{protocol.n_readers} readers and {protocol.n_cases} cases were planned, "
        f"each case read in {protocol.n_trials} trials.",
        7: f"Cases were drawn at random by severity; allocation {protocol.allocation}, "
        f"order of presentation {protocol.order}.",
        8: f"Readers were blinded to method and case; {_interval(status, intervals)}.",
        9: "Each reader worked alone, with a pseudo-ID for each case in each trial; "
        "no answers of others were shown.",
        11: f"{len(active)} of {len(status.readers)} readers and {submitted} of "
        f"{assigned} readings took part.",
        12: "; ".join(
            f"{reader.name}: {reader.specialty}, {reader.years:g} years"
            for reader in status.readers
        )
        + "."
        + _training(protocol),
    }
    if protocol.closing:
        items[8] += " After the last trial they were asked what they had recognised."
    if status.phase is Phase.UNBLINDED:  # before that only study.toml names them
        items[2] = f"Methods compared: {protocol.reference} and {protocol.test}."
    if protocol.analysis:
        plan = canonical_bytes(dict(protocol.analysis)).decode()
        items[10] = f"Plan of analysis, fixed before the study was built: {plan}"
    if status.simulated:
        items[11] += " All of them are simulated."
    return dict(sorted(items.items()))


def _specialties(status: Status) -> str:
    names = [reader.specialty for reader in status.readers if reader.active]
    counts = ", ".join(f"{names.count(name)} {name}" for name in sorted(set(names)))
    return counts or "none yet"


def _training(protocol: Protocol) -> str:
    told = f" Training: {protocol.training.strip()}" if protocol.training else ""
    if not protocol.training_cases:
        return told
    when = "both trials" if protocol.training_repeat else "trial 1"
    return f"{told} Training cases with feedback were read before {when}."


def _interval(status: Status, intervals: Sequence[float]) -> str:
    planned = f"at least {status.washout_days:g} days between trials"
    if not intervals:
        return planned
    low, high = min(intervals), max(intervals)
    return f"{planned}, {low:.1f} to {high:.1f} days between signatures"
