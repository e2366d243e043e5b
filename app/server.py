"""The servers of the three entries: what each has beside its pages, and how it runs.

Reading room, monitor and explorer are three processes. Each is a `streamlit.App` that
its entry (`main.py`, `monitor.py`, `pilo/main.py`) makes of the parts given here, so
that `streamlit run` of an entry is the same server as the command.

Nothing of a study is imported here: the explorer's process knows none.
"""

import gc
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from streamlit import App

from app import connection
from app.configuration import ACCOUNTS, CHECKPOINT, LOOPBACK, STUDY, settings
from app.gate import AHEAD, SESSION, SLICES, Gate

Parts = dict[str, Any]
"""Arguments of `streamlit.App`."""

_COOKIE_SECRET = "STREAMLIT_SERVER_COOKIE_SECRET"  # noqa: S105, name of a variable


def reading_room() -> Parts:
    """Return the parts of the readers' server."""
    routes: list[BaseRoute] = [*connection.routes(), _session_route("READER")]
    routes.append(Route(AHEAD, _picture_ahead, methods=["GET"]))
    routes.append(Route(SLICES, _slices, methods=["GET"]))
    further = {AHEAD, SLICES}
    if os.environ.get(ACCOUNTS):
        from app.oidc.accounts import served_accounts
        from app.oidc.routes import routes_of

        accounts = served_accounts()
        ways = routes_of(accounts) if accounts else []
        routes += ways
        further |= {way.path for way in ways}
    gate = Middleware(Gate, further=frozenset(further))
    return {
        "routes": routes,
        "middleware": [gate],
        "lifespan": warm_start(STUDY, "app.screens.page"),
    }


def monitor() -> Parts:
    """Return the parts of the coordinators' server."""
    return {
        "routes": [*connection.routes(), _session_route("COORDINATOR")],
        "middleware": [Middleware(Gate)],
        "lifespan": warm_start(STUDY, "app.coordinator.page"),
    }


def explorer() -> Parts:
    """Return the parts of the explorer's server."""
    return {"lifespan": warm_start(CHECKPOINT, "app.pilo.page")}


def serve(
    entry: str, port: int, *, hosts: Sequence[str] = LOOPBACK, cookie_secret: str = ""
) -> None:
    """Serve an entry on the loopback until stopped.

    Args:
        entry: Name of its module, such as `app.main`.
        port: Port on which to listen.
        hosts: Names under which browsers know the server.
        cookie_secret: Signs Streamlit's own cookies, the same in all processes; empty
            for one of this process alone.

    Raises:
        OSError: If the port cannot be had.
    """
    if cookie_secret:  # Streamlit takes it from the environment or a file only
        os.environ[_COOKIE_SECRET] = cookie_secret
    application: App = import_module(entry).application
    application.run(config=settings(port, hosts=hosts))


def warm_start(
    given: str, pages: str
) -> Callable[[App], AbstractAsyncContextManager[None]]:
    """Return the start and end of a server whose pages are in a module.

    Pages are loaded before the first one is asked for, and left out of later garbage
    collections. Streamlit collects after every run of a page, which looks at every
    object of the process: over half of a server's time, nearly all of it for modules
    that stay for ever (`python -m benchmarks.app`).

    Args:
        given: Environment variable that names what is shown. Without it a page says at
            once how to give it, and nothing else is loaded.
        pages: Name of the module.
    """

    @asynccontextmanager
    async def lifespan(_: App) -> AsyncIterator[None]:
        if os.environ.get(given):
            import_module(pages)
        gc.collect()
        gc.freeze()
        try:
            yield
        finally:
            if "app.demo" in sys.modules:
                import_module("app.demo").remove_demo()

    return lifespan


async def _picture_ahead(request: Request) -> Response:
    from app import fetched

    return await fetched.picture_ahead(request)


async def _slices(request: Request) -> Response:
    from app import fetched

    return await fetched.slices_of(request)


def _session_route(role: str) -> Route:
    """Return the route of a role's sessions; its module is loaded with the pages."""

    async def answer(request: Request) -> Response:
        from app import accounts

        session = accounts.SessionRoute(getattr(accounts, role))
        return await session.answer(request)

    return Route(SESSION, answer, methods=["GET", "POST", "DELETE"])
