"""Progress of long work, on standard error."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

PatientsProgress = Callable[[int, int], None]
TrainingProgress = Callable[[int, int, dict[str, float]], None]
EpochProgress = Callable[[dict[str, Any], int], None]


@contextmanager
def patients_progress(title: str) -> Iterator[PatientsProgress]:
    """Show a bar; yield what to call with patients done and all patients."""
    columns = (title, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def update(done: int, of_all: int) -> None:
            bar.update(task, completed=done, total=of_all)

        yield update


@contextmanager
def parts_progress(title: str) -> Iterator[PatientsProgress]:
    """Show a bar for parts of one patient's work, on a terminal only."""
    if Console(stderr=True).is_terminal:
        with patients_progress(title) as progress:
            yield progress
    else:
        yield lambda _done, _all: None


@contextmanager
def slices_progress(
    n_patients: int, *, shown: bool
) -> Iterator[PatientsProgress | None]:
    """Show slices of this process's patients, on the first process only."""
    if not shown:
        yield None
        return
    title = f"generating, {n_patients} patients, slices"
    with patients_progress(title) as progress:
        yield progress


class TrainingBars(NamedTuple):
    """What to call with patients prepared, steps and epochs; None shows nothing."""

    preparing: PatientsProgress | None = None
    training: TrainingProgress | None = None
    epochs: EpochProgress | None = None


@contextmanager
def training_progress(*, shown: bool) -> Iterator[TrainingBars]:
    """Show patients, then steps and the latest losses, on the first process only.

    Each epoch leaves a line.
    """
    if not shown:
        yield TrainingBars()
        return
    columns = (
        "{task.fields[what]}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        "{task.description}",
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        patients = bar.add_task("", total=None, what="preparing patients")
        steps = bar.add_task("", total=None, what="training", visible=False)

        def prepared(done: int, of_all: int) -> None:
            bar.update(patients, completed=done, total=of_all)

        def trained(done: int, of_all: int, losses: dict[str, float]) -> None:
            text = f"L1 {losses['l1']:.4f}, total {losses['total']:.3g}"
            bar.update(patients, visible=False)
            bar.update(
                steps, completed=done, total=of_all, description=text, visible=True
            )

        def told(line: dict[str, Any], of_all: int) -> None:
            bar.console.print(describe_epoch(line, of_all), highlight=False)

        yield TrainingBars(prepared, trained, told)


def describe_epoch(line: Mapping[str, Any], of_all: int) -> str:
    """Say in a line how an epoch went.

    Examples:
        >>> describe_epoch({"epoch": 2, "validation/cbf": 5.517, "seconds": 12.4}, 16)
        'epoch 2 of 16: error on validation CBF 5.52; 12 s'
    """
    kind = "validation/"
    errors = ", ".join(
        f"{name.removeprefix(kind).upper()} {value:.3g}"
        for name, value in line.items()
        if name.startswith(kind)
    )
    shown = f"error on validation {errors}" if errors else "no patient to validate on"
    return f"epoch {line['epoch']} of {of_all}: {shown}; {line['seconds']:.0f} s"
