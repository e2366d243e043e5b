"""The page of an entry that was given nothing to show: how to give it.

Whoever types `streamlit run app/main.py` sees it at once: nothing of a study, no
network and no database is loaded for it.
"""

import os
from collections.abc import Callable
from html import escape
from importlib.resources import files

import streamlit as st

from app.configuration import CHECKPOINT, INPUT, STUDY

_WANTED = "demonstration-wanted"
_USE = "Research use only."


def show_reading_room() -> None:
    """Show the reading room; without a study, how to give one."""
    if not os.environ.get(STUDY):
        _show_reading_door()
        return
    from app.screens.page import show_page

    show_page()


def show_monitor() -> None:
    """Show the monitor; without a study, how to give one."""
    if not os.environ.get(STUDY):
        _show_text(
            "Monitor",
            "No study is open here. The monitor shows its coordinator how far readers "
            "have come. Add a coordinator, then serve the monitor of your study:",
            "magic-study coordinator add STUDY eve --by Max\nmagic-app monitor STUDY",
            f"Or set {STUDY} to the folder of the study and start this page again. To "
            "try it with a demonstration, make one first with magic-app read --demo; "
            "its study is reading-demo/STUDY.",
        )
        return
    from app.coordinator.page import show_page

    show_page()


def show_explorer() -> None:
    """Show the explorer; without a network or an NCCT, how to give them."""
    if not (os.environ.get(CHECKPOINT) and os.environ.get(INPUT)):
        _show_text(
            "Perfusion information ratio",
            "No network and no images are open here. The explorer needs a checkpoint "
            "and an NCCT: a NIfTI file, a folder of DICOM images, or a cohort of one "
            "patient:",
            "magic-app pilo --checkpoint run/best.safetensors --input ncct.nii.gz",
            f"Or set {CHECKPOINT} and {INPUT} to them and start this page again. For a "
            "demonstration, make demo trains a small network on phantoms: the "
            "checkpoint is demo/network/best.safetensors, NCCT are in demo/cases.",
        )
        return
    from app.pilo.page import show_page

    show_page()


def _show_reading_door() -> None:
    _show_text(
        "Reading room",
        "No study is open here. Serve a study that magic-study build has made to its "
        "readers:",
        "magic-app read STUDY",
        f"Or set {STUDY} to its folder and start this page again. To look around "
        "first, open the demonstration: drawn pictures, no patients. It is made in a "
        "few seconds and is gone when the server stops.",
        _offer_demonstration,
    )


def _offer_demonstration() -> None:
    if st.session_state.pop(_WANTED, False) and _demonstration_is_made():
        st.rerun()
    st.button("Open the demonstration", key="demo", type="primary", on_click=_want)


def _want() -> None:
    st.session_state[_WANTED] = True


def _demonstration_is_made() -> bool:
    with st.spinner("The demonstration is being made. This takes a few seconds."):
        from app.demo import serve_demo
        from app.room import report
        from reader_study.errors import StudyError

        try:
            serve_demo()
        except StudyError as error:
            report(error)
            st.text("It could not be made; the server's messages say why.")
            return False
    return True


def _show_text(
    heading: str,
    text: str,
    commands: str,
    further: str,
    show_more: Callable[[], None] | None = None,
) -> None:
    style = files("app.screens").joinpath("style.css").read_text("utf-8")
    st.html(f"<style>{style}</style>")
    with st.container(key="sheet"):
        st.html(f"<h1>{escape(heading)}</h1><p>{escape(text)}</p>")
        st.code(commands, language=None)
        st.html(f"<p>{escape(further)}</p>")
        if show_more:
            show_more()
        st.html(f"<p class='small'>{_USE}</p>")
