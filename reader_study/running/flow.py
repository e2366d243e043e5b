"""The flow of readings from assigned to analysed, and what GRRAS asks of a report."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection

from reader_study.building.study import Study
from reader_study.clock import seconds_between
from reader_study.errors import counted
from reader_study.formats import flow
from reader_study.formats.canonical import canonical_bytes
from reader_study.formats.design import Order
from reader_study.formats.protocol import Protocol
from reader_study.formats.showing.display import in_words
from reader_study.running.status import StudyStatus, TrialStatus, read_status
from reader_study.store.milestones import Deviation, Phase, find_deviations
from reader_study.store.readers import Reader
from reader_study.store.readings import find_responses, latest


def grras_items(
    protocol: Protocol, status: StudyStatus, intervals: Sequence[float]
) -> dict[int, str]:
    """Return the items of GRRAS that a study can fill in by itself, by number.

    Kottner J, Audige L, Brorson S, et al. Guidelines for Reporting Reliability and
    Agreement Studies (GRRAS) were proposed. J Clin Epidemiol 2011;64:96-106. Items
    about aims and meaning are the authors'.

    Args:
        protocol: The protocol as built.
        status: Status of the study.
        intervals: Days between the two trials, one per reader who signed both.
    """
    active = [reader for reader in status.readers if reader.active]
    assigned = sum(trial.n_assigned for trial in status.trials)
    submitted = sum(trial.n_submitted for trial in status.trials)
    items = {
        **_of_design(protocol),
        4: f"Readers: {_specialties(status)}.",
        8: f"Readers were blinded to {_blinded_to(protocol)}; "
        f"{_interval(protocol, status, intervals)}.",
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
        *others, last = protocol.methods
        compared = f"{', '.join(others)} and {last}" if others else last
        items[2] = f"Methods compared: {compared}."
        if not others:
            items[2] = f"Method: {last}."
    if protocol.analysis:
        plan = canonical_bytes(dict(protocol.analysis)).decode()
        items[10] = f"Plan of analysis, fixed before the study was built: {plan}"
    if status.simulated:
        items[11] += " All of them are simulated."
    return dict(sorted(items.items()))


def _blinded_to(protocol: Protocol) -> str:
    """Return what readers did not know; with an aid they see that they have it."""
    return "the case" if protocol.design.display == "aided" else "method and case"


_ORDERS: Mapping[Order, str] = {
    "per_reader": "each reader had an order of their own",
    "shared": "readers of the same pictures had the same order",
}


def _of_design(protocol: Protocol) -> dict[int, str]:
    drawn = ", ".join(f"{n} {name}" for name, n in protocol.per_severity.items())
    layout = protocol.layout
    if layout is None:
        return {
            3: f"Cases: {protocol.n_cases} ({drawn}).",
            6: f"{protocol.n_readers} readers and {protocol.n_cases} cases were "
            f"planned, each case read in {protocol.n_trials} trials.",
            7: "Cases were drawn at random by severity; allocation "
            f"{protocol.allocation}, order of presentation {protocol.order}.",
        }
    cases = counted(protocol.n_cases, "case") if drawn else "all cases"
    how = f"Cases were drawn at random: {drawn}" if drawn else "All cases were read"
    arms = counted(len(layout.arms), "arm")
    shown = in_words(layout.display, layout.at_once)
    return {
        3: f"Cases: {protocol.n_cases} ({drawn})." if drawn else "Cases: all given.",
        6: f"{counted(protocol.n_readers, 'reader')} and {cases} were planned, in "
        f"{counted(layout.sessions, 'session')}; {arms}, {layout.pairing}.",
        7: f"{how}; allocation {layout.allocation}; {_ORDERS[layout.order]}."
        f"{f' {shown}' if shown else ''}",
    }


@dataclass(frozen=True)
class Flow:
    """How many readings came how far.

    Attributes:
        status: Counts by reader and trial.
        deviations: What went otherwise than planned.
        items: Items of GRRAS that the study knows, by number.
        not_counted: Answered readings of withdrawn cases, by reader and trial.
    """

    status: StudyStatus
    deviations: tuple[Deviation, ...]
    items: dict[int, str]
    not_counted: Mapping[tuple[str, int], int] = field(default_factory=dict)

    def analysed(self, trial: TrialStatus) -> int:
        """Return how many readings of a trial count in the analysis."""
        active = {reader.name for reader in self.status.readers if reader.active}
        withdrawn = self.not_counted.get((trial.reader, trial.trial), 0)
        return trial.n_submitted - withdrawn if trial.reader in active else 0

    def to_record(self) -> flow.StudyFlow:
        """Return the content of flow.json."""
        return flow.StudyFlow(
            title=self.status.title,
            phase=self.status.phase,
            simulated=self.status.simulated,
            readings=tuple(self._counts(trial) for trial in self.status.trials),
            readers=tuple(
                flow.FlowReader(
                    **_without_site(reader)
                    | {"interval_days": self._interval_days(reader)}
                )
                for reader in self.status.readers
            ),
            closing_missing=self.status.closing_missing,
            deviations=tuple(flow.FlowDeviation(**asdict(d)) for d in self.deviations),
            grras=self.items,
            programs=self.status.programs,
        )

    def to_text(self) -> str:
        """Return the same as a text to read."""
        lines = [f"{'reader':<16}trial" + "".join(f"{name:>11}" for name in flow.STEPS)]
        for trial in self.status.trials:
            counts = self._counts(trial)
            numbers = "".join(f"{getattr(counts, name):>11}" for name in flow.STEPS)
            lines.append(f"{trial.reader:<16}{trial.trial:>5}{numbers}")
        gone = [reader for reader in self.status.readers if not reader.active]
        lines += [f"{reader.name}: {reader.status}, {reader.reason}" for reader in gone]
        lines += ["", "GRRAS (Kottner 2011), items that the study knows"]
        lines += [f"{number:>3}  {text}" for number, text in self.items.items()]
        return "\n".join(lines)

    def _counts(self, trial: TrialStatus) -> flow.TrialFlow:
        return flow.TrialFlow(
            reader=trial.reader,
            trial=trial.trial,
            assigned=trial.n_assigned,
            opened=trial.n_opened,
            submitted=trial.n_submitted,
            declined=trial.n_declined,
            corrected=trial.n_corrected,
            analysed=self.analysed(trial),
            signed_at=trial.signed_at,
        )

    def _interval_days(self, reader: Reader) -> float | None:
        return interval_days(self.status, reader.name)


def read_flow(
    study: Study,
    connection: Connection,
    *,
    gone: Collection[str] = (),
    lost: Collection[tuple[str, str]] = (),
) -> Flow:
    """Count the readings of a study.

    Args:
        study: The built study.
        connection: Reading the state of one moment.
        gone: Tokens of withdrawn cases, all of them once the key is open.
        lost: Readings, by reader and token, whose rows are damaged.
    """
    status = read_status(study, connection, lost=lost)
    intervals = [
        days
        for reader in status.readers
        if (days := interval_days(status, reader.name)) is not None
    ]
    deviations = find_deviations(connection)
    items = grras_items(study.protocol, status, intervals)
    counted = latest(find_responses(connection, lost=lost)).values() if gone else ()
    withdrawn = Counter(
        (r.reader, r.trial) for r in counted if r.token in gone and r.answers
    )
    return Flow(status, deviations, items, withdrawn)


def interval_days(status: StudyStatus, reader: str) -> float | None:
    """Return the days between the end of a reader's first trial and of the last."""
    signed = [trial.signed_at for trial in status.of(reader)]
    if len(signed) < 2 or not all(signed):
        return None
    return seconds_between(min(signed), max(signed)) / 86400


def _specialties(status: StudyStatus) -> str:
    names = [reader.specialty for reader in status.readers if reader.active]
    counts = ", ".join(f"{names.count(name)} {name}" for name in sorted(set(names)))
    return counts or "none yet"


def _training(protocol: Protocol) -> str:
    told = f" Training: {protocol.training.strip()}" if protocol.training else ""
    if not protocol.training_cases:
        return told
    when = "both trials" if protocol.training_repeat else "trial 1"
    return f"{told} Training cases with feedback were read before {when}."


def _interval(
    protocol: Protocol, status: StudyStatus, intervals: Sequence[float]
) -> str:
    if protocol.n_trials == 1:
        return "all was read in one session"
    planned = f"at least {status.washout_days:g} days between trials"
    if not intervals:
        return planned
    low, high = min(intervals), max(intervals)
    return f"{planned}, {low:.1f} to {high:.1f} days between signatures"


def _without_site(reader: Reader) -> dict[str, Any]:
    """Return what flow.json tells of a reader; files of all versions are alike."""
    return {name: value for name, value in asdict(reader).items() if name != "site"}
