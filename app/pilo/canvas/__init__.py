"""The pictures of a slice on canvases: no pixel altered, the pointer linked."""

from collections.abc import Callable
from importlib.resources import files

import streamlit as st

_KEY = "panels"


def _asset(name: str) -> str:
    return files("app.pilo.canvas").joinpath(name).read_text("utf-8")


_panels = st.components.v2.component(
    "pilo-panels",
    html=_asset("panels.html"),
    css=_asset("panels.css"),
    js="\n".join(_asset(name) for name in ("message.js", "saving.js", "panels.js")),
)


def show_panels(content: bytes, on_wheel: Callable[[int], None]) -> None:
    """Show panels.

    Args:
        content: As `app.pilo.wire.pack` gives it.
        on_wheel: Called with slices to go up, or down if less than 0.
    """

    def turned() -> None:
        steps = (st.session_state.get(_KEY) or {}).get("wheel")
        # Anything may come over the wire.
        if isinstance(steps, int) and not isinstance(steps, bool):
            on_wheel(steps)

    _panels(key=_KEY, data=content, on_wheel_change=turned)
