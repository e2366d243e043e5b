"""The page: what it is for, the pictures, the controls."""

from html import escape
from importlib.resources import files

import streamlit as st

from app.pilo.canvas import show_panels
from app.pilo.controls import go, show_controls
from app.pilo.explorer import Explorer
from app.pilo.panels import draw_panels
from app.pilo.serving import served_explorer
from app.pilo.wire import pack

USE = "Exploratory. Outside the blinded study. Research use only."
MEANING = "The ratio is not calibrated; only at 1.00 are maps as trained."


def show_page() -> None:
    """Show the page; its controls rerun a fragment of it."""
    explorer = served_explorer()
    style = files("app.pilo").joinpath("page.css").read_text("utf-8")
    st.html(f"<style>{style}</style>")
    st.html(
        f"<div class='bar'><span class='use'>{USE}</span><span>{MEANING}</span>"
        f"<span class='origin'>{escape(explorer.origin)}</span></div>"
    )
    _show_explorer(explorer)


@st.fragment
def _show_explorer(explorer: Explorer) -> None:
    with st.container(key="explorer", horizontal=True):
        pictures = st.container(key="pictures")
        with st.container(key="controls"):
            view = show_controls(explorer)
        with pictures:
            caption = f"Slice {view.index + 1} of {explorer.n_slices}"
            content = pack(
                draw_panels(explorer, view),
                [caption, explorer.origin, f"{USE} {MEANING}"],
            )
            show_panels(content, lambda steps: go(steps, explorer.n_slices))
