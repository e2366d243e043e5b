"""The reading server: the pages and the route of their sessions, in one process."""

from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from streamlit import App

from app.accounts import ROUTE
from app.gate import Gate
from app.oidc.accounts import Accounts, served_accounts
from app.warm_start import warm_start

PAGES = Path(__file__).with_name("main.py")


def build_application(accounts: Accounts | None) -> App:
    """Give the server, with a way in for hospital accounts if there are any."""
    routes = []
    if accounts is not None:
        from app.oidc.routes import routes_of

        routes = routes_of(accounts)
    gate = Middleware(Gate, further=frozenset(route.path for route in routes))
    return App(
        PAGES,
        routes=[ROUTE, *routes],
        middleware=[gate],
        lifespan=warm_start("app.screens.page"),
    )


application = build_application(served_accounts())


def serve(flags: dict[str, Any]) -> None:
    """Serve the pages on the loopback until stopped.

    Args:
        flags: Settings of Streamlit, as `app.configuration.settings` gives them.

    Raises:
        OSError: If the port cannot be had.
    """
    from streamlit.web.bootstrap import load_config_options, run_asgi_app

    load_config_options(flags)
    run_asgi_app(str(PAGES), "app.server:application", [], flags)
