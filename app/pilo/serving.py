"""The server of the explorer: one page, one network, on the loopback."""

import os
from functools import cache
from pathlib import Path

from streamlit import App

from app.configuration import settings
from app.pilo.errors import ExplorerError
from app.pilo.explorer import Explorer, open_explorer
from app.warm_start import warm_start
from magic_model.errors import DataError

CHECKPOINT = "MAGIC_PILO_CHECKPOINT"
INPUT = "MAGIC_PILO_INPUT"
PAGE = Path(__file__).with_name("main.py")

application = App(PAGE, lifespan=warm_start("app.pilo.page"))


@cache
def loaded_explorer(checkpoint: Path, source: Path) -> Explorer:
    """Load a network and an NCCT, once in a process.

    Raises:
        ExplorerError: If either cannot be used.
    """
    try:
        return open_explorer(checkpoint, source)
    except DataError as error:
        raise ExplorerError(str(error)) from error


def served_explorer() -> Explorer:
    """Give the explorer that the environment names.

    Raises:
        ExplorerError: If it cannot be loaded.
    """
    return loaded_explorer(Path(os.environ[CHECKPOINT]), Path(os.environ[INPUT]))


def serve(checkpoint: Path, source: Path, port: int) -> None:
    """Serve the page on the loopback until stopped.

    Args:
        checkpoint: A checkpoint, or the folder of a run.
        source: The NCCT.
        port: On which to listen.

    Raises:
        OSError: If the port cannot be had.
    """
    from streamlit.web.bootstrap import load_config_options, run_asgi_app

    os.environ[CHECKPOINT], os.environ[INPUT] = str(checkpoint), str(source)
    flags = settings(port)
    load_config_options(flags)
    run_asgi_app(str(PAGE), "app.pilo.serving:application", [], flags)
