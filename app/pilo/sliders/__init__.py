"""Sliders of the ratio that tell their place while they are dragged.

Streamlit's own tell it when they are let go.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

import streamlit as st

from app.pilo.view import Ratios, ratios_of_steps, steps_of_ratios
from magic_model.maps import MAP_SPECS, PerfusionMap

_KEY = "sliders"
_SERIAL = "sliders-serial"  # of the movement drawn last, which the page waits for


def _asset(name: str) -> str:
    return files("app.pilo.sliders").joinpath(name).read_text("utf-8")


_sliders = st.components.v2.component(
    "pilo-sliders",
    html=_asset("sliders.html"),
    css=_asset("sliders.css"),
    js=_asset("sliders.js"),
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
        given = (st.session_state.get(_KEY) or {}).get("moved")
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
    _sliders(key=_KEY, data=data, on_moved_change=moved)
