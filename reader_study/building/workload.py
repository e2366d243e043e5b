"""How much there is to read before a study is built: readings, minutes, days, power."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from reader_study.building import planning, power_file
from reader_study.errors import StudyError, counted
from reader_study.formats.endpoint import ACCURACY, OF_DISPLAYS, Endpoint
from reader_study.formats.plan import AnalysisPlan, in_words

SECONDS = 60.0
"""Of a reading, where nobody says; the median of a rehearsal's bots."""


@dataclass(frozen=True)
class Workload:
    """What the readers of a drawn study have before them.

    Attributes:
        drawn: One draw of it, or the study that was built.
        seconds: Of a reading.
        power: What `magic-analyze power` says of a study of this size, or how to ask.
    """

    drawn: planning.Preview
    seconds: float
    power: tuple[str, ...] = ()

    @cached_property
    def readings(self) -> dict[str, dict[int, int]]:
        """Readings of each planned reader, by session."""
        planned = len(self.drawn.slots) - self.drawn.protocol.reserve
        return {
            slot.name: {session: len(order) for session, order in slot.orders.items()}
            for slot in self.drawn.slots[:planned]
        }

    @property
    def days(self) -> float:
        """Days between the first session of a reader and the last, at least."""
        last = max(self.drawn.sessions)
        return sum(self.drawn.protocol.washout_before(n) for n in range(2, last + 1))

    def to_text(self) -> str:
        """Return it as text to read."""
        return "\n".join([self._table(), *self._said(), *self.power])

    def _table(self) -> str:
        heads = "".join(f"{f'session {n}':>11}" for n in self.drawn.sessions)
        lines = [f"{'reader':<16}{heads}{'readings':>10}{'minutes':>9}"]
        for name, of in self.readings.items():
            numbers = "".join(f"{of.get(n, 0):>11}" for n in self.drawn.sessions)
            total = sum(of.values())
            minutes = self._minutes(total)
            lines.append(f"{name:<16}{numbers}{total:>10}{minutes:>9}")
        return "\n".join(lines)

    def _said(self) -> Iterator[str]:
        protocol = self.drawn.protocol
        each = [sum(of.values()) for of in self.readings.values()]
        longest = max(n for of in self.readings.values() for n in of.values())
        yield (
            f"{sum(each)} readings of {counted(len(each), 'reader')} at "
            f"{self.seconds:g} s each: {self._minutes(max(each))} minutes of a reader "
            f"at most, {self._minutes(longest)} of them in the longest session."
        )
        if len(self.drawn.sessions) > 1:
            yield (
                f"{counted(len(self.drawn.sessions), 'session')}, "
                f"{self.days:g} days from the first to the last at least."
            )
        if protocol.training_cases:
            yield "Cases to practise on come on top."
        if self.drawn.display:
            yield self.drawn.display

    def _minutes(self, readings: int) -> int:
        return math.ceil(readings * self.seconds / 60)


def workload(
    path: Path,
    cases: Path | None = None,
    *,
    seconds: float = SECONDS,
    power: Path | None = None,
) -> Workload:
    """Return what there is to read.

    Args:
        path: study.toml, or STUDY.
        cases: cases.csv, with a protocol.
        seconds: Of a reading.
        power: JSON of magic-analyze power for a study of this size.

    Raises:
        StudyError: If a file cannot be used, or the seconds are none.
    """
    if not (math.isfinite(seconds) and seconds > 0):
        msg = f"Seconds of a reading must be a number above 0, got {seconds:g}"
        raise StudyError(msg)
    drawn = planning.preview(path, cases)
    size = (drawn.protocol.n_readers, drawn.n_cases or drawn.protocol.n_cases)
    if power is not None:
        return Workload(drawn, seconds, power_file.in_words(power, size))
    asked = _to_ask(path, drawn, drawn.plan) if drawn.plan else ()
    return Workload(drawn, seconds, tuple(asked))


def _to_ask(path: Path, drawn: planning.Preview, plan: AnalysisPlan) -> Iterator[str]:
    """Yield which command has the power of the primary endpoint."""
    primary = plan.primary
    if not isinstance(primary, Endpoint):
        yield "No primary endpoint is planned by measure, so there is no power of it."
        return
    yield f"Primary endpoint: {in_words(primary, plan)}"
    sizes = f"--readers {drawn.protocol.n_readers} --cases {drawn.n_cases}"
    by_protocol = primary.measure in OF_DISPLAYS | {"shift"}
    if primary.claim == "estimate":
        yield "It claims nothing, so it has no power, but an interval of some width."
    elif by_protocol and primary.claim == "differs":
        yield _command(f"--protocol {path} --cases {drawn.n_cases}")
    elif primary.measure in ACCURACY:
        yield _command(f"--pilot RATINGS.csv {sizes}")
    elif primary.measure in {"kappa", "agreement", "acceptability"}:
        yield _command(f"--design design.toml {sizes}")
    else:
        yield f"magic-analyze power has none of {primary.measure} {primary.claim}."


def _command(words: str) -> str:
    return (
        f"Power: magic-analyze power {words} --json > power.json, and then "
        "magic-study plan ... --power power.json"
    )
