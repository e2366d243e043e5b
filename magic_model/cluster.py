"""Patients dealt out to the workers of a Dask cluster, of whom any may die.

A task goes to a worker with the names of its files, never with their content: all
workers must see the same folders, as on the shared disk of a cluster. A patient whose
worker dies is given to another one; what was complete is not made again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from magic_model import batch
from magic_model.errors import DataError, pluralize

if TYPE_CHECKING:
    from distributed import Client, Future

TIMEOUT_S = 30.0
"""How long a scheduler may take to answer, and to have a worker."""

_AHEAD = 4  # tasks of a worker that wait at the scheduler, so that none idles


@contextmanager
def connect(scheduler: str) -> Iterator["Client"]:
    """Connect to a Dask scheduler whose workers can share the work.

    Args:
        scheduler: Its address, such as `tcp://10.0.0.1:8786`.

    Raises:
        DataError: If it does not answer in time, has no worker, or its workers are not
            of one thread and of this version.
    """
    from distributed import Client

    try:
        client = Client(scheduler, timeout=TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        msg = (
            f"--scheduler {scheduler}: must be the address of a Dask scheduler that "
            f"answers within {TIMEOUT_S:g} s, such as tcp://10.0.0.1:8786"
        )
        raise DataError(msg) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=TIMEOUT_S)
        except TimeoutError as error:
            msg = f"--scheduler {scheduler}: has had no worker for {TIMEOUT_S:g} s"
            raise DataError(msg) from error
        _require_alike(client, scheduler)
        yield client


def _require_alike(client: "Client", scheduler: str) -> None:
    """Refuse workers that would not give the bytes that this process gives."""
    threads = max(client.nthreads().values())
    if threads > 1:  # several patients at once, in libraries that were not made for it
        msg = (
            f"--scheduler {scheduler}: workers must have one thread each (dask worker "
            f"--nthreads 1), got {threads}"
        )
        raise DataError(msg)
    other = sorted(set(client.run(_version).values()) - {_version()})
    if other:
        msg = (
            f"--scheduler {scheduler}: workers must have magic-ctp {_version()}, "
            f"got {', '.join(other)}"
        )
        raise DataError(msg)


def _version() -> str:
    from importlib.metadata import version

    return version("magic-ctp")


def run_tasks(
    tasks: Sequence[batch.Task],
    out: Path,
    archive: batch.Archive,
    progress: batch.Progress | None = None,
) -> None:
    """Do on the workers of a cluster what is not done yet.

    Args:
        tasks: Of the patients to be done; they must be of the kind that can be sent.
        out: Folder of the patients' folders, which all workers see.
        archive: The scheduler, and whether a patient that fails ends the run.
        progress: Called with patients done and all patients.

    Raises:
        DataError: If a patient fails, the cluster cannot be used, or goes away.
    """
    from distributed import as_completed

    keep_going = archive.keep_going
    with connect(archive.scheduler) as client:
        by_key = {f"{task.name}-{uuid4().hex}": task for task in tasks}
        waiting = iter(by_key)

        def submit(key: str) -> "Future[Any]":
            return client.submit(
                batch.run_tasks, [by_key[key]], out, keep_going=keep_going, key=key
            )

        n_ahead = _AHEAD * len(client.nthreads())
        first = [submit(key) for key in islice(waiting, n_ahead)]
        running = as_completed(first, loop=client.loop)
        for done, future in enumerate(running, 1):
            _settle(future, by_key[future.key], out, keep_going=keep_going)
            if progress is not None:
                progress(done, len(tasks))
            running.update([submit(key) for key in islice(waiting, 1)])


def _settle(
    future: "Future[Any]", task: batch.Task, out: Path, *, keep_going: bool
) -> None:
    """Take what came of a task; a patient that kills its workers is one that failed."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker
    from distributed.comm.core import CommClosedError

    try:
        error = future.exception()
    except (CancelledError, CommClosedError, TimeoutError) as lost:
        msg = "The scheduler went away; the same command goes on where it stopped"
        raise DataError(msg) from lost
    if isinstance(error, KilledWorker):
        times = pluralize(error.allowed_failures + 1, "worker")
        why = f"{times} died at it, perhaps of too little memory"
        if not keep_going:
            msg = f"{task.name}: {why}"
            raise DataError(msg) from error
        batch.note_failure(out / task.name, task.fingerprint(), why)
    elif error is not None:
        raise error
