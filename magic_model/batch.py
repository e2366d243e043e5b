"""Many patients in several processes: parts, what failed, and what is still to do."""

import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

from magic_model.errors import DataError, pluralize

FAILED = "failed.json"
"""In a patient's folder: why there is nothing else, and of which input that is true."""

FAILURES = "failures.csv"
"""Table of all patients that failed, once every patient was tried."""

INCOMPLETE = 1
"""Exit status where some patients failed and the others are there."""

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Part:
    """Part of the patients that one process takes, such as a task of an array job.

    Attributes:
        number: Which part, from 1.
        of: How many parts there are.

    Raises:
        DataError: If there is no such part.
    """

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            msg = f"A part must be 1/n to n/n, got {self}"
            raise DataError(msg)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a part such as `2/8`; empty text is the whole.

        Raises:
            DataError: If it is none.

        Examples:
            >>> Part.parse("2/8")
            Part(number=2, of=8)
        """
        if not text:
            return cls()
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal()):
            msg = f"A part must be two whole numbers such as 2/8, got {text!r}"
            raise DataError(msg)
        return cls(int(number), int(of))

    def take(self, items: Sequence[_Item]) -> Sequence[_Item]:
        """Return every n-th item; parts differ by one item at most."""
        return items[self.number - 1 :: self.of]

    def share(self, rank: int, size: int) -> "Part":
        """Return the part of it that one of several processes takes."""
        return Part(self.number + rank * self.of, self.of * size)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


Progress = Callable[[int, int], None]
"""Called with the number of patients done and of all."""


@dataclass(frozen=True)
class Task:
    """What is to be done for one patient.

    Attributes:
        name: Study-local name, and the name of its folder.
        fingerprint: Of all that the result follows from.
        is_done: Whether the result is there, and of this fingerprint.
        work: Makes it.
    """

    name: str
    fingerprint: Callable[[], str]
    is_done: Callable[[], bool]
    work: Callable[[], None]


@dataclass(frozen=True)
class Failure:
    """A patient without a result.

    Attributes:
        name: Study-local name.
        error: Why.
    """

    name: str
    error: str


@dataclass(frozen=True)
class Outcome:
    """State of all patients after a process has done its part.

    Attributes:
        failures: Patients that were tried and failed, in this process or another.
        pending: Names of those that nobody has tried yet.
    """

    failures: tuple[Failure, ...] = ()
    pending: tuple[str, ...] = ()

    def describe(self, out: Path) -> str:
        """Say what is missing; empty if nothing is."""
        lines = []
        if self.failures and not self.pending:
            lines.append(f"{pluralize(len(self.failures), 'patient')} failed:")
            lines += [f"  {each.name}: {each.error}" for each in self.failures]
            lines.append(f"Table: {out / FAILURES}; the same command tries them again")
        elif self.pending:
            lines.append(
                f"{pluralize(len(self.pending), 'patient')} of other parts to come; "
                "the part that ends last writes the tables"
            )
        return "\n".join(lines)


def run_tasks(tasks: Sequence[Task], out: Path, *, keep_going: bool) -> None:
    """Do what is not done yet; what failed before is tried again.

    Args:
        tasks: Of the patients that this process takes.
        out: Folder of the patients' folders.
        keep_going: Note why a patient fails and go on; else its error ends the run.

    Raises:
        DataError: If a patient fails, or why it failed cannot be written.
    """
    for task in tasks:
        if task.is_done():
            _forget_failure(out / task.name)
            continue
        try:
            task.work()
        except Exception as error:
            if not keep_going:
                raise
            # One odd file must not stop an archive, whatever is odd about it.
            known = isinstance(error, DataError)
            text = str(error) if known else f"{type(error).__name__}: {error}"
            note_failure(out / task.name, task.fingerprint(), text)
        else:
            _forget_failure(out / task.name)


@dataclass(frozen=True)
class Archive:
    """How many patients are gone about.

    Attributes:
        part: Which of them this process takes.
        keep_going: Whether a patient that fails is noted, and the others go on.
        scheduler: Address of a Dask scheduler whose workers do it; else this process.
    """

    part: Part = field(default_factory=Part)
    keep_going: bool = False
    scheduler: str = ""

    def run(
        self,
        tasks: Sequence[Task],
        out: Path,
        progress: Progress | None = None,
    ) -> None:
        """Do the part of tasks that is this process's.

        Raises:
            DataError: If a patient fails and `keep_going` is not set, a file cannot be
                written, or the cluster cannot be used.
        """
        mine = self.part.take(tasks)
        if self.scheduler:
            from magic_model import cluster

            cluster.run_tasks(mine, out, self, progress)
            return
        for done, task in enumerate(mine):
            if progress is not None:
                progress(done, len(mine))
            run_tasks([task], out, keep_going=self.keep_going)


def survey(tasks: Sequence[Task], out: Path) -> Outcome:
    """Tell what is missing of all patients, whoever was to make it."""
    failures, pending = [], []
    for task in tasks:
        if task.is_done():
            continue
        error = _failure(out / task.name, task.fingerprint())
        if error is None:
            pending.append(task.name)
        else:
            failures.append(Failure(task.name, error))
    return Outcome(tuple(failures), tuple(pending))


def write_failures(failures: Sequence[Failure], out: Path) -> None:
    """Write the table of failures in one step; without any there is none.

    Raises:
        DataError: If it cannot be written.
    """
    path = out / FAILURES
    with _writing(path) as staged:
        if not failures:
            path.unlink(missing_ok=True)
            return
        with staged.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["patient_id", "error"])
            writer.writerows([each.name, each.error] for each in failures)
        staged.replace(path)


def note_failure(place: Path, fingerprint: str, error: str) -> None:
    """Write into a patient's folder why there is nothing else.

    Raises:
        DataError: If it cannot be written.
    """
    record = {"fingerprint": fingerprint, "error": " ".join(error.split())}
    path = place / FAILED
    with _writing(path) as staged:
        staged.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        staged.replace(path)


def _failure(place: Path, fingerprint: str) -> str | None:
    try:
        record = json.loads((place / FAILED).read_text(encoding="utf-8"))
        if record["fingerprint"] != fingerprint:
            return None
        return str(record["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _forget_failure(place: Path) -> None:
    with suppress(OSError):
        (place / FAILED).unlink(missing_ok=True)


@contextmanager
def _writing(path: Path) -> Iterator[Path]:
    """Yield a name to write under that no other process uses.

    Raises:
        DataError: If the file cannot be written.
    """
    staged = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield staged
    except OSError as error:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
        msg = f"{path}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error
