"""The monitor's server: its pages and the route of its sessions, in one process."""

from pathlib import Path

from starlette.middleware import Middleware
from streamlit import App

from app.accounts import Door
from app.configuration import settings
from app.coordinator.identity import COOKIE
from app.gate import Gate
from app.warm_start import warm_start
from reader_study.running.coordinators import resume, sign_out

PAGES = Path(__file__).parents[1] / "monitor.py"

ROUTE = Door(COOKIE, resume, sign_out).route()

application = App(
    PAGES,
    routes=[ROUTE],
    middleware=[Middleware(Gate)],
    lifespan=warm_start("app.coordinator.page"),
)


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
    run_asgi_app(str(PAGES), "app.coordinator.server:application", [], flags)
