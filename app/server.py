"""The reading server: the pages and the route of their sessions, in one process."""

from pathlib import Path

from streamlit import App

from app.configuration import settings
from app.session_route import ROUTE

PAGES = Path(__file__).with_name("main.py")

application = App(PAGES, routes=[ROUTE])


def serve(port: int) -> None:
    """Serve the pages on the loopback until stopped.

    Args:
        port: On which to listen.

    Raises:
        OSError: If the port cannot be had.
    """
    from streamlit.web.bootstrap import load_config_options, run_asgi_app

    flags = settings(port)
    load_config_options(flags)
    run_asgi_app(str(PAGES), "app.server:application", [], flags)
