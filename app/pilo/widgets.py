"""The pictures of a slice on canvases: no pixel altered, the pointer linked."""

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

import streamlit as st

from app.pilo.view import Ratios, ratios_of_steps, steps_of_ratios
from magic_model.maps import MAP_SPECS, PerfusionMap

_SLIDERS_KEY = "sliders"
_SLIDERS_SERIAL = (
    "sliders-serial"  # of the movement drawn last, which the page waits for
)


def _asset_of_sliders(name: str) -> str:
    return files("app.pilo.widgets").joinpath(name).read_text("utf-8")


_sliders_component = st.components.v2.component(
    "pilo-sliders",
    html=_asset_of_sliders("sliders.html"),
    css=_asset_of_sliders("sliders.css"),
    js=_asset_of_sliders("sliders.js"),
)


def show_sliders(
    names: Sequence[PerfusionMap], ratios: Ratios, on_move: Callable[[Ratios], None]
) -> None:
    """Show a slider per map.

    Args:
        names: Maps with a ratio of their own.
        ratios: Where they stand; each among `app.pilo.view.RATIOS`.
        on_move: Called with the ratios of all sliders when one has moved.
    """

    def moved() -> None:
        # Anything may come over the wire.
        given = (st.session_state.get(_SLIDERS_KEY) or {}).get("moved")
        if not isinstance(given, Mapping):
            return
        found = ratios_of_steps(given.get("steps"), names)
        if found is not None:
            st.session_state[_SLIDERS_SERIAL] = given.get("serial")
            on_move(found)

    titles = {name.value: MAP_SPECS[name].title for name in names}
    data = {
        "titles": titles,
        "steps": steps_of_ratios(ratios, names),
        "serial": st.session_state.get(_SLIDERS_SERIAL),
    }
    _sliders_component(key=_SLIDERS_KEY, data=data, on_moved_change=moved)


_PANELS_KEY = "panels"


def _asset(name: str) -> str:
    return files("app.pilo.widgets").joinpath(name).read_text("utf-8")


_panels = st.components.v2.component(
    "pilo-panels",
    html=_asset("panels.html"),
    css=_asset("panels.css"),
    js="\n".join(_asset(name) for name in ("message.js", "saving.js", "panels.js")),
)


def show_panels(content: bytes, on_wheel: Callable[[int], None]) -> None:
    """Show panels.

    Args:
        content: As `app.pilo.panels.pack` gives it.
        on_wheel: Called with slices to go up, or down if less than 0.
    """

    def turned() -> None:
        steps = (st.session_state.get(_PANELS_KEY) or {}).get("wheel")
        # Anything may come over the wire.
        if isinstance(steps, int) and not isinstance(steps, bool):
            on_wheel(steps)

    _panels(key=_PANELS_KEY, data=content, on_wheel_change=turned)
