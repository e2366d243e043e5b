"""The monitor: overview and the other pages, for a coordinator who is signed in."""

from collections.abc import Callable, Iterable, Mapping
from html import escape
from importlib.resources import files

import streamlit as st

from app import state
from app.accounts import (
    COORDINATOR,
    leave,
    perform,
    require_coordinator,
    room_at_browser,
)
from app.components import begin_session, end_session
from app.configuration import served_folders
from app.coordinator.live import show_live, show_table, show_zone
from app.coordinator.readers import forget_code, show_readers
from app.coordinator.view import (
    LATE_DAYS,
    CoordinatorView,
    deviation_rows,
    progress_rows,
    site_rows,
)
from app.room import Room, report, served_rooms
from app.screens.frame import show_bar, show_sheet, show_style
from app.screens.sign_in import show_sign_in
from app.times import clock_time, date_and_time
from reader_study.clock import to_text
from reader_study.errors import StudyError
from reader_study.running.access import AccessError
from reader_study.store.milestones import Phase
from reader_study.store.verifying import verify

_PHASES = {
    Phase.BUILT: "built, not open yet",
    Phase.OPEN: "open, readers read",
    Phase.LOCKED: "locked, no answer is taken",
    Phase.UNBLINDED: "unblinded",
}
_NEXT = {Phase.BUILT: "Before it can be opened", Phase.OPEN: "Before it can be locked"}
_NOTHING = "Nothing is missing."


def _show_overview() -> None:
    """Show the study as a whole."""
    require_coordinator(room_at_browser(COORDINATOR))
    show_live(_show_state)
    with st.container(key="check", horizontal=True, vertical_alignment="center"):
        st.button("Check log and pictures", key="check-now", on_click=_check)
        st.text("Reads every entry of the log and every picture anew.")
    state.show_notice("overview")


def _show_progress() -> None:
    """Show counts and times of all readers."""
    require_coordinator(room_at_browser(COORDINATOR))
    show_live(_show_counts)


def _show_counts(view: CoordinatorView) -> None:
    sites = site_rows(view, state.zone())
    if sites:
        st.html("<h2>Sites</h2>")
        show_table(sites, "")
        st.html("<h2>Readers</h2>")
    show_table(progress_rows(view, state.zone()), "No readers yet.")
    st.text(
        "Missing: assigned, but not submitted. Seconds: median per reading, from "
        "opening to submitting as the server saw it. Active seconds: median of what "
        "the reader's browser counted while the page was seen and had the focus, until "
        "5 minutes after the last move or key."
    )
    show_zone()


def _facts(view: CoordinatorView, zone: str | None) -> dict[str, str]:
    """Return what there is to say about a study, by heading."""
    status = view.status
    active = sum(reader.active for reader in status.readers)
    counted = [trial for trial in status.trials if trial.reader in view.readers]
    told = {
        "Study": status.title,
        "Phase": _PHASES[status.phase],
        "Answers": "simulated: bots have read" if status.simulated else "by people",
        "Readers": f"{active} of {status.n_planned} planned",
        "Readings": (
            f"{sum(t.n_submitted for t in counted)} of "
            f"{sum(t.n_assigned for t in counted)} submitted, "
            f"{sum(t.n_declined for t in counted)} declined"
        ),
        "Trials": f"{sum(bool(t.signed_at) for t in counted)} of {len(counted)} signed",
        "Washout": f"{status.washout_days:g} days",
        "Deviations": str(len(view.deviations)),
        "Log": f"entry {status.head.n}, {date_and_time(status.head.time, zone)}",
    }
    if status.withdrawn:
        told["Withdrawn"] = ", ".join(status.withdrawn)
    if status.closing_missing:
        told["Closing questions"] = f"missing from {', '.join(status.closing_missing)}"
    return told


def _show_state(view: CoordinatorView) -> None:
    zone = state.zone()
    left, right = st.columns([11, 9], gap="large")
    with left:
        st.html(_as_list(_facts(view, zone), view.status.head.sha256))
    with right:
        heading, items = _NEXT.get(view.status.phase), view.waits_for or [_NOTHING]
        if heading:
            st.html(_as_items(heading, items))
        late = [
            f"{trial.reader}: trial {trial.trial}, {trial.n_submitted} of "
            f"{trial.n_assigned} answered, nothing since {date_and_time(since, zone)}"
            for trial, since in view.late
        ]
        if late:
            st.html(_as_items(f"Late: nothing for {LATE_DAYS} days", late))
    st.html("<h2>Deviations</h2>")
    show_table(deviation_rows(view, zone), "None so far.")
    show_zone()


def _as_items(heading: str, items: Iterable[str]) -> str:
    body = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<h2>{escape(heading)}</h2><ul class='waits'>{body}</ul>"


def _as_list(named: dict[str, str], sha256: str) -> str:
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
        for name, value in named.items()
    )
    return (
        f"<dl class='facts'>{rows}<dt>SHA-256 of it</dt><dd class='hash'>{sha256}</dd>"
        "</dl>"
    )


def _check() -> None:
    def act(room: Room, coordinator: str) -> None:
        del coordinator
        problems = _problems(room)
        time = clock_time(to_text(room.clock.now()), state.zone())
        found = " ".join(problems) or "The log is whole, the pictures are those built."
        state.notify(f"{time}: {found}", good=not problems)

    perform(act, COORDINATOR)


def _problems(room: Room) -> list[str]:
    """Name what is wrong; where, is for the server's operator to find out."""
    with room.store.reading() as connection:
        n = len(verify(connection).faults)
    faults = f"The log or a table that it covers has {n} faults." if n else ""
    return [problem for problem in (faults, _damage(room)) if problem]


def _damage(room: Room) -> str:
    """Name the pictures that cannot be shown, by what readers may see of the case."""
    shown = room.study.manifest.presentation
    names = sorted(shown(token).pseudo_id for token in room.study.damaged_pictures())
    if names:
        return (
            "A picture is missing, or is not the one that was built: "
            f"{', '.join(names)}. Readers go on without it; `magic-study restore` "
            "puts it back."
        )
    return "The training is damaged; readers begin without it." * bool(
        room.study.damage()
    )


_CHOSEN = "page"
_TROUBLE = (
    "The study cannot be shown at the moment. Please load the page again in a minute; "
    "the server's own messages say more."
)

PAGES: Mapping[str, Callable[[], None]] = {
    "Overview": _show_overview,
    "Progress": _show_progress,
    "Readers and codes": show_readers,
}
"""Each asks anew who is there: a page that is not offered is not thereby protected."""


def show_page() -> None:
    """Show the sign-in or a page."""
    show_style()
    style = files("app.coordinator").joinpath("style.css").read_text("utf-8")
    st.html(f"<style>{style}</style>")
    secret = state.handoff().secret
    if secret is not None:
        begin_session(secret) if secret else end_session()
        return
    try:
        _show_monitor()
    except StudyError as error:
        report(error)
        with st.container(key="trouble"):
            show_sheet("Please wait", _TROUBLE)


def _show_monitor() -> None:
    try:
        room = room_at_browser(COORDINATOR)
        name = require_coordinator(room, alive=True)
    except AccessError:
        forget_code()
        rooms = served_rooms()
        title = rooms[0].state()[1].title if len(served_folders()) == 1 else ""
        show_sign_in(title, COORDINATOR)
        return
    _, protocol = room.state()
    show_bar(
        protocol.title,
        "Monitor",
        name,
        on_leave=_leave,
        idle_seconds=COORDINATOR.idle_seconds,
    )
    chosen = st.segmented_control(
        "Page",
        list(PAGES),
        default="Overview",
        required=True,
        key=_CHOSEN,
        label_visibility="collapsed",
        on_change=forget_code,
    )
    PAGES[chosen or "Overview"]()


def _leave() -> None:
    leave(COORDINATOR)
    forget_code()
