"""Progress of long work, on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

PatientsProgress = Callable[[int, int], None]
TrainingProgress = Callable[[int, int, dict[str, float]], None]


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
    """What to call with patients prepared, and with steps; None shows nothing."""

    preparing: PatientsProgress | None = None
    training: TrainingProgress | None = None


@contextmanager
def training_progress(*, shown: bool) -> Iterator[TrainingBars]:
    """Show patients, then steps and the latest losses, on the first process only."""
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

        yield TrainingBars(prepared, trained)
