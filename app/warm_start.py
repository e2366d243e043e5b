"""Before the first page: load what pages need, and leave it out of later collections.

Streamlit collects garbage after every run of a page, which looks at every object that
the process holds: over half of a server's time, nearly all of it for modules that stay
for ever (`python -m benchmarks.app`).
"""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module

from streamlit import App


def warm_start(pages: str) -> Callable[[App], AbstractAsyncContextManager[None]]:
    """Give the start and end of a server whose pages are in a module."""

    @asynccontextmanager
    async def lifespan(_: App) -> AsyncIterator[None]:
        import_module(pages)
        gc.collect()
        gc.freeze()
        yield

    return lifespan
