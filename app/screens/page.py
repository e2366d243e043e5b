"""The reading room's page: the screen that a reader is on, and no other."""

import streamlit as st

from app import state
from app.accounts import READER, reader_at_browser, room_at_browser
from app.components import begin_session, end_session
from app.configuration import served_folders
from app.reader_view import ReaderView, Stage, find_reader_view
from app.room import Room, report
from app.screens.closing import show_closing
from app.screens.display_check import show_display_check
from app.screens.done import show_finished, show_washout
from app.screens.frame import show_bar, show_sheet, show_style
from app.screens.instructions import show_instructions
from app.screens.reading import show_reading
from app.screens.review import show_review
from app.screens.sign_in import common_language, show_sign_in
from app.screens.training import show_training
from app.words import say, speak
from reader_study.errors import StudyError
from reader_study.running.access import AccessError
from reader_study.store.milestones import Phase

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
    secret = state.handoff().secret
    if secret is not None:
        begin_session(secret) if secret else end_session()
        return
    try:
        room = room_at_browser(READER)
        speak(room.study.protocol.language)
        reader = reader_at_browser(room)
        view = find_reader_view(room, reader) if reader else None
        place = _place(room, view) if view else ""
    except AccessError:  # in none of several studies
        speak(common_language())
        show_sign_in("")
        return
    except StudyError as error:
        show_bar("")
        _show_trouble(error)
        return
    if view is None:
        title = room.study.protocol.title if len(served_folders()) == 1 else ""
        show_sign_in(title, guests=room.is_demonstration)
        return
    idle = READER.idle_in(room).total_seconds()
    show_bar(view.state.protocol.title, place, view.state.reader, idle_seconds=idle)
    try:
        _show_stage(room, view)
    except StudyError as error:
        _show_trouble(error)


def _place(room: Room, view: ReaderView) -> str:
    now = view.state
    if view.stage is Stage.READING and now.step:
        case, cases = (now.position + 1) // 2, now.n_readings // 2
        return say(
            "Trial {trial}: case {case} of {cases}, step {step} of 2",
            trial=now.trial,
            case=case,
            cases=cases,
            step=now.step,
        )
    if view.stage is Stage.READING:
        return say(
            "Trial {trial}: {position} of {n}",
            trial=now.trial,
            position=now.position,
            n=now.n_readings,
        )
    practice = None
    if view.stage is Stage.TRAINING:
        practice = room.session_of(now.reader).training.at_hand(now.trial)
    if practice is None:
        return ""
    return say(
        "Training: {position} of {n}", position=practice.position, n=practice.n_cases
    )


def _show_trouble(error: StudyError) -> None:
    report(error)
    with st.container(key="trouble"):
        show_sheet(say("Please wait"), say(_TROUBLE))


def _show_stage(room: Room, view: ReaderView) -> None:
    stage, now = view.stage, view.state
    session = room.session_of(now.reader)
    if stage is Stage.FINISHED:
        show_finished(session, now)
    elif stage is Stage.WASHOUT:
        show_washout(session, now)
    elif stage is Stage.CLOSED:
        with st.container(key="sheet"):
            show_sheet(say("Not open"), say(_CLOSED.get(now.phase, _LOCKED)))
    elif stage is Stage.CLOSING:
        show_closing(session)
    elif stage is Stage.REVIEW:
        show_review(session, now, corrections=now.protocol.corrections)
    else:
        _show_way_in(room, view)


def _show_way_in(room: Room, view: ReaderView) -> None:
    stage, now = view.stage, view.state
    if stage is Stage.INSTRUCTIONS:
        show_instructions(now.protocol, room.study.manifest.protocol_sha256)
        return
    if stage is Stage.DISPLAY:
        show_display_check()
        return
    if stage is Stage.TRAINING:
        show_training(room, now)
        return
    session = room.session_of(now.reader)
    reading = session.next_reading()
    if reading is None:  # another tab answered the last one just now
        st.rerun()
    show_reading(session, reading)
