"""The shipped configuration of Streamlit, which no other one on the machine changes."""

import tomllib
from importlib.resources import files
from typing import Any


def settings(port: int) -> dict[str, Any]:
    """Give the shipped settings as flags, which win over files and environment.

    Args:
        port: On which the server listens.

    Examples:
        >>> settings(8501)["server_address"]
        '127.0.0.1'
    """
    text = files("app").joinpath(".streamlit/config.toml").read_text("utf-8")
    shipped = {
        f"{section}_{name}": value
        for section, values in tomllib.loads(text).items()
        for name, value in values.items()
    }
    return shipped | {"server_port": port}
