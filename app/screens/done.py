"""A trial is signed: thanks, when the next one begins, and receipts to keep."""

from html import escape

import streamlit as st

from app import state
from app.components import receipt_buttons
from app.screens.frame import show_sheet
from app.times import date_and_time
from app.words import ENGLISH, language, say
from reader_study.reading.reader_state import ReaderState
from reader_study.reading.reading_session import ReadingSession
from reader_study.reading.recording import TrialReceipt


def show_washout(session: ReadingSession, progress: ReaderState) -> None:
    """Say when the next trial begins."""
    begins = date_and_time(
        progress.washout_until or "", state.zone(), plain=language() != ENGLISH
    )
    _show_done(
        session,
        range(1, progress.trial),
        say("Thank you"),
        say(
            "Trial {before} is signed. Trial {trial} opens on {begins}. Until then, "
            "please do not speak with other readers about what you saw.",
            before=progress.trial - 1,
            trial=progress.trial,
            begins=begins,
        ),
    )


def show_finished(session: ReadingSession, progress: ReaderState) -> None:
    """Thank the reader."""
    _show_done(
        session,
        range(1, progress.trial + 1),
        say("Thank you"),
        say(
            "All trials are signed; your part in this study is done. Please keep the "
            "receipts below. With them you can have checked at any time that your "
            "answers stand as you gave them."
        ),
    )


def _show_done(session: ReadingSession, trials: range, heading: str, text: str) -> None:
    receipts = [session.sign(trial) for trial in trials]
    with st.container(key="sheet"):
        show_sheet(heading, text)
        st.html("".join(_as_html(session, receipt) for receipt in receipts))
        content: dict[str, object] = {
            "study_id": session.study.manifest.study_id,
            "receipts": [receipt.to_dict() for receipt in receipts],
        }
        receipt_buttons(content, f"receipt-{session.reader}.json")


def _as_html(session: ReadingSession, receipt: TrialReceipt) -> str:
    rows = {
        say("Receipt of trial {trial}", trial=receipt.trial): receipt.code,
        say("Study"): session.study.protocol.title,
        say("Reader"): receipt.reader,
        say("Readings"): str(receipt.n_readings),
        say("Signed"): date_and_time(
            receipt.signed_at, state.zone(), plain=language() != ENGLISH
        ),
        say("Entry of the log"): f"{receipt.head.n}, {receipt.head.sha256}",
    }
    body = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
        for name, value in rows.items()
    )
    return f"<dl class='receipt'>{body}</dl>"
