"""The room speaks the language of the protocol: no catalogue misses a text."""

import ast
import re
from string import Formatter
from typing import get_args

import pytest

from app.words import catalogue
from reader_study.errors import StudyError
from reader_study.formats.protocol import Language, parse_protocol, template
from tests.app.answers import answer, form_of, read_trial, save, words
from tests.app.material import PROTOCOL, build
from tests.app.words_said import SOURCES, said

OTHERS = [name for name in get_args(Language) if name != "en"]
IN_GERMAN = f'{PROTOCOL}\n[reading]\nlanguage = "de"\n'
SHOWING = {
    "text", "button", "checkbox", "radio", "selectbox", "text_area", "text_input",
    "popover", "number_input", "form_submit_button", "notify", "show_sheet",
}  # fmt: skip


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    return build(tmp_path_factory.mktemp("german"), IN_GERMAN, size=(60, 50))


def places(text):
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name)


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_has_every_text_with_its_places_and_no_other(language):
    found = catalogue(language)

    assert set(found) == said()
    for english, spoken in found.items():
        assert places(spoken) == places(english), english
        assert spoken.strip()
    assert catalogue("en") == {}


def test_no_screen_shows_a_text_that_is_in_no_catalogue():
    for path in SOURCES:
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(getattr(call, "func", None), "attr", None) or getattr(
                getattr(call, "func", None), "id", None
            )
            if not isinstance(call, ast.Call) or name not in SHOWING or not call.args:
                continue
            first = call.args[0]
            parts = first.values if isinstance(first, ast.JoinedStr) else [first]
            for part in parts:
                shown = getattr(part, "value", "")
                plain = isinstance(shown, str) and re.search(r"[A-Za-z]{2}", shown)
                assert not plain, f"{path.name} line {call.lineno}: {shown!r}"


def test_a_reader_is_led_through_a_trial_in_german(anna, page):
    shown = page()
    form = form_of(anna)
    assert "Durchgang 1: 1 von 3" in words(shown)
    assert "Nur für Forschung" in words(shown)
    assert shown.button(key=f"save-{form.token}").label == "Speichern und weiter"

    save(answer(shown, form, {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1}), form)
    assert "Bitte Q3 und Q4 ergänzen." in words(shown)
    read_trial(anna)
    review = page()
    assert "Durchgang 1: Ihre Antworten" in words(review)
    assert review.button(key="sign-1").label == "Durchgang 1 unterschreiben"


def test_the_language_is_part_of_the_hash_and_english_changes_none():
    plain = parse_protocol(template(), "study.toml")

    def of(language):
        text = f'{template()}\n[reading]\nlanguage = "{language}"\n'
        return parse_protocol(text, "study.toml")

    assert of("en").sha256 == plain.sha256
    assert len({of(language).sha256 for language in ("en", *OTHERS)}) == 4
    with pytest.raises(StudyError, match=r"reading\.language must be en, de, es or zh"):
        of("fr")
