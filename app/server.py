"""The reading server: the pages and the route of their sessions, in one process."""

from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from streamlit import App

from app.gate import Gate
from app.session_route import ROUTE

PAGES = Path(__file__).with_name("main.py")

application = App(PAGES, routes=[ROUTE], middleware=[Middleware(Gate)])


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
