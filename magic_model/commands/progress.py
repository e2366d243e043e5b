"""Progress of long work, on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn


@contextmanager
def patients_progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar; give what to call with patients done and all patients."""
    columns = (title, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def update(done: int, of_all: int) -> None:
            bar.update(task, completed=done, total=of_all)

        yield update
