"""What the reading room says, in the readers' language: catalogues of gettext's form.

The words in the code are English and the key of each catalogue. The protocol names the
language, for all readers alike: it is part of its hash. The monitor stays English.
"""

import ast
from functools import cache
from importlib.resources import files

import streamlit as st

_LANGUAGE = "language"
ENGLISH = "en"


def speak(language: str) -> None:
    """Let all that this page says from now on be in a language."""
    st.session_state[_LANGUAGE] = language


def say(text: str, **values: object) -> str:
    """Return a text in the language of the page, with values in their places.

    Examples:
        >>> say("Trial {trial}: your answers", trial=1)
        'Trial 1: your answers'
    """
    spoken = catalogue(language()).get(text, text)
    return spoken.format(**values) if values else spoken


def language() -> str:
    """Return the language of the page."""
    return str(st.session_state.get(_LANGUAGE, ENGLISH))


@cache
def catalogue(language: str) -> dict[str, str]:
    """Return what each English text is in a language; nothing for English."""
    if language == ENGLISH:
        return {}
    path = files("app.words").joinpath(f"{language}.po")
    return _parsed(path.read_text("utf-8"))


def _parsed(text: str) -> dict[str, str]:
    """Return the entries of a catalogue, of the part of its form that ours use."""
    found: dict[str, str] = {}
    parts = {"msgid": "", "msgstr": ""}
    kind = "msgid"
    for line in [*text.splitlines(), "msgid "]:
        if line.startswith("msgid ") and parts["msgid"] and parts["msgstr"]:
            found[parts["msgid"]] = parts["msgstr"]
        if line.startswith("msgid "):
            parts = {"msgid": "", "msgstr": ""}
        for name in parts:
            if line.startswith(f"{name} "):
                kind, line = name, line.removeprefix(f"{name} ")  # noqa: PLW2901
        if line.startswith('"'):
            parts[kind] += ast.literal_eval(line)
    return found
