"""The page: asks the store where its reader stands, and shows that screen."""

import streamlit as st

from app import state
from app.accounts import reader_at_browser, report
from app.components import begin_session, end_session
from app.reader_view import Stage, acknowledged, stage_of
from app.room import Room, Standing, served_room, standing
from app.screens.closing import show_closing
from app.screens.display_check import show_display_check
from app.screens.done import show_finished, show_washout
from app.screens.frame import show_bar, show_sheet, show_style
from app.screens.instructions import show_instructions
from app.screens.reading import show_reading
from app.screens.review import show_review
from app.screens.sign_in import show_sign_in
from app.screens.training import show_training
from reader_study.errors import StudyError
from reader_study.store.phase import Phase

_TROUBLE = (
    "The study cannot be shown at the moment. Nothing that you saved is lost. Please "
    "load the page again in a minute, or tell the coordinator."
)
_CLOSED = {
    Phase.BUILT: "The study is not open yet. The coordinator will tell you when it is.",
}
_LOCKED = "The study is closed; no further answers are taken. Thank you."


def show_page() -> None:
    """Show the screen that the reader is on."""
    show_style()
    secret = state.handed_off()
    if secret is not None:
        begin_session(secret) if secret else end_session()
        return
    try:
        room = served_room()
        stands = _stands(room)
        stage = _stage(room, stands) if stands else None
        place = _place(stage, room, stands) if stands else ""
    except StudyError as error:
        show_bar("")
        _show_trouble(error)
        return
    if stands is None or stage is None:
        show_sign_in(room.study.protocol.title)
        return
    show_bar(stands.protocol.title, place, stands.progress.reader)
    try:
        _show_stage(stage, room, stands)
    except StudyError as error:
        _show_trouble(error)


def _stands(room: Room) -> Standing | None:
    reader = reader_at_browser(room)
    return standing(room, reader) if reader else None


def _stage(room: Room, stands: Standing) -> Stage:
    done = acknowledged(room, stands.progress)
    return stage_of(stands.progress, stands.phase, done)


def _place(stage: Stage | None, room: Room, stands: Standing) -> str:
    p = stands.progress
    if stage is Stage.READING:
        return f"Trial {p.trial}: {p.position} of {p.n_readings}"
    practice = None
    if stage is Stage.TRAINING:
        practice = room.training_of(p.reader).at_hand(p.trial)
    return f"Training: {practice.position} of {practice.n_cases}" if practice else ""


def _show_trouble(error: StudyError) -> None:
    report(error)
    with st.container(key="trouble"):
        show_sheet("Please wait", _TROUBLE)


def _show_stage(stage: Stage, room: Room, stands: Standing) -> None:
    progress = stands.progress
    session = room.session_of(progress.reader)
    if stage is Stage.FINISHED:
        show_finished(session, progress)
    elif stage is Stage.WASHOUT:
        show_washout(session, progress)
    elif stage is Stage.CLOSED:
        with st.container(key="sheet"):
            show_sheet("Not open", _CLOSED.get(stands.phase, _LOCKED))
    elif stage is Stage.CLOSING:
        show_closing(session)
    elif stage is Stage.REVIEW:
        show_review(session, progress, corrections=stands.protocol.corrections)
    else:
        _show_way_in(stage, room, stands)


def _show_way_in(stage: Stage, room: Room, stands: Standing) -> None:
    if stage is Stage.INSTRUCTIONS:
        show_instructions(stands.protocol, room.study.manifest.protocol_sha256)
        return
    if stage is Stage.DISPLAY:
        show_display_check()
        return
    if stage is Stage.TRAINING:
        show_training(room, stands.progress)
        return
    session = room.session_of(stands.progress.reader)
    reading = session.next_reading()
    if reading is None:  # another tab answered the last one just now
        st.rerun()
    show_reading(session, reading)
