"""The explorer's own parts in the browser: pictures and sliders of the ratio."""

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

import streamlit as st

from app.pilo.view import Ratios, ratios_of_steps, steps_of_ratios
from magic_model.maps import MAP_SPECS, PerfusionMap

_PANELS = "panels"
_SLIDERS = "sliders"
_SERIAL = "sliders-serial"  # of the movement drawn last, which the page waits for


def _asset(name: str) -> str:
    return files("app.pilo").joinpath(name).read_text("utf-8")


_canvases = st.components.v2.component(
    "pilo-panels",
    html=_asset("canvas/panels.html"),
    css=_asset("canvas/panels.css"),
    js="\n".join(
        _asset(f"canvas/{name}.js") for name in ("message", "saving", "panels")
    ),
)

# Streamlit's own sliders tell their place when they are let go; these, while dragged.
_sliders = st.components.v2.component(
    "pilo-sliders",
    html=_asset("sliders/sliders.html"),
    css=_asset("sliders/sliders.css"),
    js=_asset("sliders/sliders.js"),
)


def show_panels(content: bytes, on_wheel: Callable[[int], None]) -> None:
    """Show panels, no pixel altered and the pointer linked.

    Args:
        content: As `app.pilo.panels.pack` returns it.
        on_wheel: Called with slices to go up, or down if less than 0.
    """

    def turned() -> None:
        steps = (st.session_state.get(_PANELS) or {}).get("wheel")
        # Anything may come over the wire.
        if isinstance(steps, int) and not isinstance(steps, bool):
            on_wheel(steps)

    _canvases(key=_PANELS, data=content, on_wheel_change=turned)


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
        given = (st.session_state.get(_SLIDERS) or {}).get("moved")
        if not isinstance(given, Mapping):
            return
        found = ratios_of_steps(given.get("steps"), names)
        if found is not None:
            st.session_state[_SERIAL] = given.get("serial")
            on_move(found)

    titles = {name.value: MAP_SPECS[name].title for name in names}
    data = {
        "titles": titles,
        "steps": steps_of_ratios(ratios, names),
        "serial": st.session_state.get(_SERIAL),
    }
    _sliders(key=_SLIDERS, data=data, on_moved_change=moved)
