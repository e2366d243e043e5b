"""The explorer's page: what it is for, pictures, sliders and controls."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib.resources import files

import streamlit as st

from app.pilo import view as pilo_view
from app.pilo.explorer import Explorer, served_explorer
from app.pilo.panels import draw_panels, pack
from app.pilo.view import Ratios, ratios_of_steps, steps_of_ratios
from magic_model.maps import MAP_SPECS, PerfusionMap

_PANELS = "panels"
_SLIDERS = "sliders"
_SERIAL = "sliders-serial"  # of the movement drawn last, which the page waits for


def _asset(name: str) -> str:
    return files("app").joinpath(name).read_text("utf-8")


_SCRIPTS = (
    "components/ending.js", "pilo/canvas/message.js", "pilo/canvas/saving.js",
    "pilo/canvas/panels.js",
)  # fmt: skip

_canvases = st.components.v2.component(
    "pilo-panels",
    html=_asset("pilo/canvas/panels.html"),
    css=_asset("pilo/canvas/panels.css"),
    js="\n".join(_asset(name) for name in _SCRIPTS),
)

# Streamlit's own sliders tell their place when they are let go; these, while dragged.
_sliders = st.components.v2.component(
    "pilo-sliders",
    html=_asset("pilo/sliders/sliders.html"),
    css=_asset("pilo/sliders/sliders.css"),
    js=_asset("pilo/sliders/sliders.js"),
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


USE = "Exploratory. Outside the blinded study. Research use only."
MEANING = "The ratio is not calibrated; only at 1.00 are maps as trained."
NO_BALANCE = "This checkpoint knows no balance: little anatomy comes out at low ratios."

_LIMIT = "limit-{}"
"""Key of the upper limit of a map."""

_HU = (-100.0, 200.0)  # centre of a window
_WIDEST = 400.0  # HU


def meaning(explorer: Explorer) -> str:
    """Say what ratios of a network mean."""
    return MEANING if explorer.balanced else f"{MEANING} {NO_BALANCE}"


def show_page() -> None:
    """Show the page; its controls rerun a fragment of it."""
    explorer = served_explorer()
    style = files("app.pilo").joinpath("page.css").read_text("utf-8")
    st.html(f"<style>{style}</style>")
    st.html(
        f"<div class='bar'><span class='use'>{USE}</span>"
        f"<span>{meaning(explorer)}</span>"
        f"<span class='origin'>{escape(explorer.origin)}</span></div>"
    )
    _show_explorer(explorer)


def go(steps: int, n_slices: int) -> None:
    """Go some slices up or down, as far as there are any."""
    st.session_state["slice"] = min(
        max(int(st.session_state["slice"]) + steps, 1), n_slices
    )


@st.fragment
def _show_explorer(explorer: Explorer) -> None:
    with st.container(key="explorer", horizontal=True):
        pictures = st.container(key="pictures")
        with st.container(key="controls"):
            view = _show_controls(explorer)
        with pictures:
            caption = f"Slice {view.index + 1} of {explorer.n_slices}"
            content = pack(
                draw_panels(explorer, view),
                [caption, explorer.origin, f"{USE} {meaning(explorer)}"],
            )
            show_panels(content, lambda steps: go(steps, explorer.n_slices))


def _show_controls(explorer: Explorer) -> pilo_view.View:
    """Show all controls and return what they are set to."""
    _begin(explorer)
    _show_slice(explorer.n_slices)
    _show_ratios(explorer)
    _show_window()
    _show_colours(explorer)
    return _current_view(explorer)


def _current_view(explorer: Explorer) -> pilo_view.View:
    """Return what the controls are set to."""
    state = st.session_state
    return pilo_view.View(
        index=int(state["slice"]) - 1,
        ratios=state["ratios"],
        centre=state["centre"],
        width=state["width"],
        limits={name: state[_LIMIT.format(name)] for name in explorer.maps},
        colours=pilo_view.Colours(state["colours"]),
    )


def _begin(explorer: Explorer) -> None:
    state = st.session_state
    centre, width = next(iter(pilo_view.WINDOWS.values()))
    state.setdefault("slice", explorer.fullest + 1)
    state.setdefault("ratios", dict.fromkeys(explorer.adjustable, pilo_view.TRAINED))
    state.setdefault("centre", centre)
    state.setdefault("width", width)
    state.setdefault("preset", pilo_view.window_name(centre, width))
    state.setdefault("colours", pilo_view.Colours.PERFUSION.value)
    for name in explorer.maps:
        state.setdefault(_LIMIT.format(name), MAP_SPECS[name].value_range[1])


def _show_slice(n_slices: int) -> None:
    if n_slices > 1:
        st.slider(f"Slice, of {n_slices}", 1, n_slices, key="slice")


def _show_ratios(explorer: Explorer) -> None:
    with st.container(key="ratios"):
        show_sliders(explorer.adjustable, st.session_state["ratios"], _ratios_moved)


def _ratios_moved(ratios: pilo_view.Ratios) -> None:
    st.session_state["ratios"] = ratios


def _show_window() -> None:
    with st.container(key="window"):
        st.segmented_control(
            "NCCT window, centre and width in HU",
            list(pilo_view.WINDOWS),
            key="preset",
            on_change=_preset_chosen,
        )
        with st.container(key="window-numbers", horizontal=True):
            st.number_input(
                "Centre",
                *_HU,
                step=5.0,
                format="%g",
                key="centre",
                on_change=_window_moved,
            )
            st.number_input(
                "Width",
                5.0,
                _WIDEST,
                step=5.0,
                format="%g",
                key="width",
                on_change=_window_moved,
            )


def _preset_chosen() -> None:
    state = st.session_state
    if state["preset"] is None:  # a second click takes the choice away
        _window_moved()
        return
    state["centre"], state["width"] = pilo_view.WINDOWS[state["preset"]]


def _window_moved() -> None:
    state = st.session_state
    state["preset"] = pilo_view.window_name(state["centre"], state["width"])


def _show_colours(explorer: Explorer) -> None:
    with st.container(key="colour-scale"):
        st.segmented_control(
            "Colours and upper limits of maps",
            [colours.value for colours in pilo_view.Colours],
            key="colours",
            required=True,
        )
        with st.container(key="limits", horizontal=True):
            for name in explorer.maps:
                step, high = pilo_view.limit_step(name), MAP_SPECS[name].value_range[1]
                st.number_input(
                    MAP_SPECS[name].title,
                    step,
                    pilo_view.LARGEST_LIMIT * high,
                    step=step,
                    key=_LIMIT.format(name),
                    format="%g",
                    help=MAP_SPECS[name].unit,
                )
