"""Small parts of pages that need a script in the browser."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import Any, TypeGuard

import streamlit as st

from reader_study.formats.asking.marks import Rules


def asset(*names: str) -> str:
    """Return the text of files of this folder, one after another."""
    folder = files("app.components")
    return "".join(folder.joinpath(name).read_text("utf-8") for name in names)


VIEWER = ("ending.js", "ahead.js", "canvas.js", "marking.js", "montage.js", "viewer.js")
STACK = ("ending.js", "ahead.js", "canvas.js", "marking.js", "volume.js", "stack.js")
"""Scripts of each component, as they are put together."""

_viewer = st.components.v2.component(
    "viewer",
    html=asset("viewer.html"),
    css=asset("viewer.css"),
    js=asset(*VIEWER),
)


def show_picture(
    png: bytes,
    key: str,
    *,
    ahead: str = "",
    all_rows: bool = False,
    pictures: int = 1,
) -> None:
    """Show a picture, large and without loss.

    The bytes go to the page over the connection of a reader who is signed in; Streamlit
    would serve `st.image` to anybody who asks for its address.

    Args:
        png: The file as the study has it.
        key: Of this picture only, so that none is shown beside questions on another.
        ahead: Token of the reading if the page has said that it holds the picture; it
            is then sent only if that proves not to be so.
        all_rows: Whether all rows of a montage must be seen; the page then counts them.
        pictures: How many stand side by side in it; they are moved together.
    """
    missing = (st.session_state.get(key) or {}).get("missing")
    told: dict[str, object] = {"token": key, "all_rows": True} if all_rows else {}
    if pictures > 1:
        told["pictures"] = pictures
    if ahead and missing != ahead:
        data: object = told | {"ahead": ahead}
    else:
        data = _with_bytes(told, png) if told else png
    _viewer(key=key, data=data, on_missing_change=_nothing)


def _with_bytes(told: Mapping[str, object], content: bytes) -> bytes:
    """Put what the page is told before the bytes of what it shows."""
    text = json.dumps(told).encode()
    return len(text).to_bytes(4, "little") + text + content


_stack = st.components.v2.component(
    "stack",
    html=asset("stack.html"),
    css=asset("viewer.css", "stack.css"),
    js=asset(*STACK),
)


def show_stack(
    first: bytes, layout: Mapping[str, object], key: str, *, ahead: str = ""
) -> None:
    """Show the slices of a case in linked panels.

    Args:
        first: What is painted at once; the page fetches the rest (see `app.fetched`).
        layout: What the manifest says of all containers (`slices`, `rows`, `columns`,
            `panels`) with `lock_window`, `measures` and `require_all_slices`, and as
            `reading` the token under which the rest is fetched.
        key: Of this case only, so that none is shown beside questions on another.
        ahead: Token of the reading if the page has said that it holds the slices; they
            are then sent only if that proves not to be so.
    """
    missing = (st.session_state.get(key) or {}).get("missing")
    told = {**layout, "token": key}
    if ahead and missing != ahead:
        data: object = told | {"ahead": ahead}
    else:
        data = _with_bytes(told, first)
    _stack(key=key, data=data, on_missing_change=_nothing)


def _component(name: str, html: str = "", script: str = "") -> Any:  # noqa: ANN401
    style, code = asset("components.css"), asset("ending.js", f"{script or name}.js")
    return st.components.v2.component(name, html=html, css=style, js=code)


_line = st.components.v2.component(
    "line",
    html=asset("line.html"),
    css=asset("line.css"),
    js=asset("line.js"),
    isolate_styles=False,  # the keys of its field are known as those of a field
)


def line(
    key: str, label: str, ends: tuple[str, str], kept: int | None, *, unmarked: str
) -> None:
    """Show a line from 0 to 100, without a mark until one was set.

    Args:
        key: Under which `mark_on` finds the mark.
        label: For screen readers.
        ends: What 0 and 100 mean.
        kept: Mark that was set before.
        unmarked: What screen readers say until there is one.
    """
    told = {"label": label, "ends": ends, "kept": kept, "unmarked": unmarked}
    _line(key=key, data=told, default={"mark": kept}, on_mark_change=_nothing)


def mark_on(given: object) -> int | None:
    """Return the mark that a line's state holds; None if it holds nothing to believe.

    Examples:
        >>> mark_on({"mark": 37}), mark_on({"mark": None}), mark_on(None)
        (37, None, None)
    """
    mark = given.get("mark") if isinstance(given, Mapping) else None
    number = isinstance(mark, int | float) and not isinstance(mark, bool)
    return round(mark) if number and 0 <= mark <= 100 else None  # type: ignore[operator, arg-type]


_marks = st.components.v2.component(
    "marks",
    html=asset("marks.html"),
    css=asset("marks.css"),
    js=asset("ending.js", "marks.js"),
    isolate_styles=False,  # its buttons are known to the keys as those of a field
)


def marks(
    key: str, label: str, rules: Rules, kept: str | None, *, words: Mapping[str, str]
) -> None:
    """Show what draws marks on the picture beside it, and the list of them.

    Args:
        key: Under which `marks_on` finds them.
        label: For screen readers.
        rules: What marks may be.
        kept: Marks that were kept before, as they are stored; None if not answered.
        words: What it says, by the name of the part that says it.
    """
    told = {"label": label, "kept": kept, "words": words, **asdict(rules)}
    _marks(key=key, data=told, default={"marks": kept}, on_marks_change=_nothing)


def marks_on(given: object) -> str | None:
    """Return the marks that a list's state holds as text; None if it holds none.

    Examples:
        >>> marks_on({"marks": "[]"}), marks_on({"marks": None}), marks_on(None)
        ('[]', None, None)
    """
    text = given.get("marks") if isinstance(given, Mapping) else None
    return text if isinstance(text, str) else None


_LONGEST = 1e7  # seconds

_desk = _component("desk")
_keeper = _component("keeper", "<p class='notice'></p>")
_display = _component(
    "display", "<div class='ramp'></div><div class='corners'></div><p></p>"
)
_receipt = _component(
    "receipt",
    "<button data-do='print'>Print</button> "
    "<button data-do='save'>Save as file</button>",
)
_printer = _component("printer", "<button data-do='print'>Print</button>", "receipt")


def desk(key: str, asked_if: Mapping[str, object]) -> None:
    """Listen to number keys and Ctrl+Enter, and count the time at the picture.

    Args:
        key: Of this reading only.
        asked_if: What shows a question, as `app.answering.asked_if` returns it.
    """
    told = {"key": key, "asked_if": asked_if}
    _desk(key=key, data=told, on_active_change=_nothing)


def active_seconds(key: str) -> float | None:
    """Return the seconds that the reader was active, as the browser counted them."""
    given = st.session_state.get(key) or {}
    seconds = given.get("active")
    if isinstance(seconds, dict):
        seconds = seconds.get("seconds")
    # Anything may come over the wire.
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return float(seconds) if 0 <= seconds < _LONGEST else None


def picture_at_hand(key: str) -> str:
    """Return the token of the reading whose picture the page has fetched ahead."""
    told = (st.session_state.get(key) or {}).get("active")
    token = told.get("ahead") if isinstance(told, dict) else None
    return token if isinstance(token, str) else ""


def slices_seen(key: str, n_slices: int) -> dict[str, object] | None:
    """Return what the page says was on the screen; None if it is nothing to believe.

    Returns:
        `slices`, seconds by the number of a slice from 1, and `window_changes`.
    """
    told = (st.session_state.get(key) or {}).get("active")
    seen = told.get("seen") if isinstance(told, dict) else None
    if not isinstance(seen, dict) or not isinstance(seen.get("slices"), dict):
        return None
    numbers = {str(k) for k in range(1, n_slices + 1)}
    slices = {
        k: float(n)
        for k, n in seen["slices"].items()
        if k in numbers and _is_count(n) and n < _LONGEST
    }
    changes = seen.get("window_changes")
    believed = int(changes) if _is_count(changes) and changes < _LONGEST else 0
    return {"slices": slices, "window_changes": believed}


def _is_count(given: object) -> TypeGuard[float]:
    if isinstance(given, bool) or not isinstance(given, int | float):
        return False
    return math.isfinite(given) and given >= 0


def begin_session(secret: str) -> None:
    """Hand a sign-in to the browser, which keeps it where no script can read it."""
    _keeper(key="keeper-begin", data={"act": "begin", "secret": secret})


def end_session() -> None:
    """Let the browser forget the sign-in."""
    _keeper(key="keeper-end", data={"act": "end"})


def keep_session(idle_seconds: float) -> str:
    """Keep the session alive while somebody is there; then leave the page.

    Returns:
        Token of the reading that was being corrected when the connection was last lost;
        empty if none.
    """
    given = _keeper(
        key="keeper",
        data={"act": "keep", "idle": idle_seconds},
        on_joined_change=_nothing,
    )
    joined = given.get("joined")
    token = joined.get("correcting") if isinstance(joined, dict) else ""
    return token if isinstance(token, str) else ""


def display_size() -> dict[str, float]:
    """Show a grey ramp and give the window as `width`, `height` and `ratio`."""
    given = _display(key="display", on_size_change=_nothing)
    return dict(given.get("size") or {})


def receipt_buttons(content: dict[str, object], name: str) -> None:
    """Offer to print the page, or to save the receipts as a file."""
    _receipt(key="receipt", data={"content": content, "name": name})


def print_button() -> None:
    """Offer to print the page."""
    _printer(key="printer", data={})


def _nothing() -> None:
    """Take the change; the page reads it when it needs it."""
