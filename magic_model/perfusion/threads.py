"""Work that is shared among threads: NumPy and SciPy leave the interpreter alone."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def workers() -> int:
    """Return how many threads to use: OMP_NUM_THREADS, else the processors.

    Programs that start several processes (joblib among them) set that variable in each,
    so that all together have no more threads than there are processors.
    """
    told = os.environ.get("OMP_NUM_THREADS", "")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    available = usable or os.cpu_count() or 1
    return min(int(told), available) if told.isdecimal() and int(told) else available


def spread(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """Return what a function makes of each item, in order."""
    count = workers()
    if count == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, items))
