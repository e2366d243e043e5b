"""The shipped configuration of Streamlit, which no other one on the machine changes."""

import socket
import tomllib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from reader_study.errors import StudyError


def require_free(port: int) -> None:
    """Refuse a port of the loopback that another program has.

    Raises:
        StudyError: If so.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            msg = f"Port {port} must be free, got {error.strerror}"
            raise StudyError(msg) from error


LOOPBACK = ("127.0.0.1", "localhost")
"""Names by which a machine calls itself."""


def settings(
    port: int,
    *,
    hosts: Sequence[str] = LOOPBACK,
    cookie_secret: str = "",
) -> dict[str, Any]:
    """Give the shipped settings as flags, which win over files and environment.

    Args:
        port: On which the server listens.
        hosts: Names under which it answers, as browsers know it.
        cookie_secret: Signs Streamlit's own cookies, the same in all processes; empty
            for one of this process alone.

    Examples:
        >>> settings(8501)["server_address"]
        '127.0.0.1'
        >>> settings(8501, hosts=["reading.example.org"])["server_allowedHosts"]
        ['reading.example.org']
    """
    text = files("app").joinpath(".streamlit/config.toml").read_text("utf-8")
    shipped = {
        f"{section}_{name}": value
        for section, values in tomllib.loads(text).items()
        for name, value in values.items()
    }
    of_this_server: dict[str, Any] = {
        "server_port": port,
        "server_allowedHosts": list(hosts),
    }
    if cookie_secret:
        of_this_server["server_cookieSecret"] = cookie_secret
    return shipped | of_this_server
