"""Workers of a Dask cluster in place of this machine's processors."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from analysis.errors import InputError

Scheduler = Annotated[
    str, typer.Option(help="Address of a Dask scheduler; its workers in place of jobs.")
]

TIMEOUT_S = 30.0
"""How long a scheduler may take to answer, and to have a worker, in seconds."""


@contextmanager
def workers(scheduler: str, jobs: int) -> Iterator[int]:
    """Give the work that joblib shares to a cluster; yield how many jobs to ask for.

    Args:
        scheduler: Address of a Dask scheduler; without one, nothing changes.
        jobs: What was asked for without a cluster.

    Raises:
        InputError: If Dask is not installed, no scheduler answers in time, or its
            workers are not of one thread and of this version.
    """
    if not scheduler:
        yield jobs
        return
    from joblib import parallel_config

    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        msg = "dask is not installed; install magic-ctp[dask]"
        raise InputError(msg) from error
    try:
        client = Client(scheduler, timeout=TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        msg = (
            f"--scheduler {scheduler}: must be the address of a Dask scheduler that "
            f"answers within {TIMEOUT_S:g} s, such as tcp://10.0.0.1:8786"
        )
        raise InputError(msg) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=TIMEOUT_S)
        except TimeoutError as error:
            msg = f"--scheduler {scheduler}: has had no worker for {TIMEOUT_S:g} s"
            raise InputError(msg) from error
        threads = client.nthreads()
        _require_alike(scheduler, max(threads.values()), client.run(_version).values())
        with parallel_config(backend="dask", client=client):
            yield max(2, len(threads))  # one job alone would be done here


def _require_alike(scheduler: str, threads: int, versions: Iterable[str]) -> None:
    """Refuse workers that would not give the bytes that this process gives."""
    if threads > 1:  # figures are not to be drawn by two threads at once
        msg = (
            f"--scheduler {scheduler}: workers must have one thread each (dask worker "
            f"--nthreads 1), got {threads}"
        )
        raise InputError(msg)
    other = sorted(set(versions) - {_version()})
    if other:
        msg = (
            f"--scheduler {scheduler}: workers must have magic-ctp {_version()}, "
            f"got {', '.join(other)}"
        )
        raise InputError(msg)


def _version() -> str:
    from importlib.metadata import version

    return version("magic-ctp")
