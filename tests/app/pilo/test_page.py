"""What the controls do, without a browser."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import app
from app.configuration import CHECKPOINT, INPUT
from app.pilo.explorer import loaded_explorer
from app.pilo.page import (
    MEANING,
    NO_BALANCE,
    USE,
    go,
    meaning,
    show_panels,
    show_sliders,
)
from magic_model.maps import PAPER_MAPS
from magic_model.ratio import Balance
from tests.app.pilo.test_panels_on_the_wire import unpack

ENTRY = Path(app.__file__).parent / "pilo" / "main.py"


@pytest.fixture
def page(explored, monkeypatch):
    loaded_explorer.cache_clear()
    monkeypatch.setenv(CHECKPOINT, str(explored / "run"))
    monkeypatch.setenv(INPUT, str(explored / "head.nii.gz"))
    yield AppTest.from_file(str(ENTRY), default_timeout=20).run()
    loaded_explorer.cache_clear()


def shown(page):
    """Header of what the browser got, and bytes of each panel's picture."""
    assert not page.exception
    (content,) = [e.proto.bytes for e in page.get("bidi_component") if e.proto.bytes]
    header, panels = unpack(content)
    return header, [picture.tobytes() for picture, _, _ in panels]


def sliders(page):
    """What the sliders got."""
    (content,) = [e.proto.json for e in page.get("bidi_component") if e.proto.json]
    return json.loads(content)


def changed(before, after):
    return [a != b for a, b in zip(before, after, strict=True)]


def words(page):
    return " ".join(html.proto.body for html in page.get("html"))


def test_the_page_opens_as_trained_and_says_what_it_is(page, explorer):
    header, _ = shown(page)
    assert (
        header["captions"][0] == f"Slice {explorer.fullest + 1} of {explorer.n_slices}"
    )
    assert [panel["note"] for panel in header["panels"][1:]] == [
        "ratio 1.00, as trained"
    ] * 4
    for text in (USE, MEANING, NO_BALANCE, explorer.origin):
        assert text in words(page)
        assert text in " ".join(header["captions"])


def test_a_checkpoint_that_knows_its_balance_has_nothing_said_of_it(explorer):
    recipe = explorer._backend.recipe
    known = dict.fromkeys(recipe.maps, Balance(0.0, 1.0, 0.0, 1.0, 0.5))
    assert not explorer.balanced
    explorer._backend.header = replace(explorer._backend.header, balance=known)
    try:
        assert meaning(explorer) == MEANING
    finally:
        explorer._backend.header = replace(explorer._backend.header, balance=None)
    assert "Research use only" in USE


def test_no_path_reaches_the_browser(page, explored):
    header, _ = shown(page)
    assert str(explored) not in json.dumps(header) + words(page)


@pytest.mark.parametrize("place", range(4))
def test_a_ratio_changes_the_picture_of_its_own_map(page, place):
    _, before = shown(page)
    page.session_state["ratios"] = {PAPER_MAPS[place]: 4.0}
    header, after = shown(page.run())
    assert changed(before, after) == [number == place + 1 for number in range(5)]
    assert header["panels"][place + 1]["note"] == "ratio 4.00, not calibrated"
    assert sliders(page)["steps"] == {
        name: 16 if name == PAPER_MAPS[place] else 0 for name in PAPER_MAPS
    }
    page.session_state["ratios"] = {}
    assert shown(page.run())[1] == before


def test_what_sliders_and_wheel_tell_is_taken_if_it_makes_sense(monkeypatch):
    state, told, taken = {}, {}, []
    monkeypatch.setattr("streamlit.session_state", state)
    for name in ("app.pilo.page._sliders", "app.pilo.page._canvases"):
        monkeypatch.setattr(name, lambda key, **given: told.setdefault(key, given))
    show_sliders(PAPER_MAPS, {}, taken.append)
    show_panels(b"", taken.append)
    moved = told["sliders"]["on_moved_change"]
    turned = told["panels"]["on_wheel_change"]

    for nonsense in (None, 7, "x", {}, {"steps": {"cbf": 1}}):
        state["sliders"] = {"moved": nonsense}
        moved()
    for nonsense in (None, "x", True, 1.5):
        state["panels"] = {"wheel": nonsense}
        turned()
    assert taken == []
    steps = dict.fromkeys(PAPER_MAPS, 0) | {"cbf": 8}
    state["sliders"] = {"moved": {"steps": steps, "serial": 3}}
    moved()
    state["panels"] = {"wheel": -2}
    turned()
    assert taken == [dict.fromkeys(PAPER_MAPS, 1.0) | {"cbf": 2.0}, -2]
    assert 3 in state.values()  # and is told to the page


def test_slices_end_at_both_ends(monkeypatch):
    state = {"slice": 3}
    monkeypatch.setattr("streamlit.session_state", state)
    for steps, place in ((1, 4), (9, 5), (-2, 3), (-9, 1)):
        go(steps, 5)
        assert state["slice"] == place


def test_another_slice_shows_other_images(page):
    _, before = shown(page)
    page.slider(key="slice").set_value(1).run()
    header, after = shown(page)
    assert all(changed(before, after))
    assert header["captions"][0].startswith("Slice 1 of")


def test_a_window_by_name_or_by_numbers(page):
    assert page.segmented_control(key="preset").value == "Brain 40/80"
    page.segmented_control(key="preset").set_value("Stroke 40/40").run()
    assert page.number_input(key="width").value == 40
    assert shown(page)[0]["panels"][0]["ticks"] == ["20", "40", "60"]
    page.number_input(key="centre").set_value(35.0).run()
    assert page.segmented_control(key="preset").value is None
    assert shown(page)[0]["panels"][0]["ticks"] == ["15", "35", "55"]
    page.number_input(key="centre").set_value(40.0).run()
    assert page.segmented_control(key="preset").value == "Stroke 40/40"
    page.segmented_control(key="preset").set_value(None).run()  # a second click
    assert page.segmented_control(key="preset").value == "Stroke 40/40"


def test_colours_and_limits_of_maps(page):
    _, before = shown(page)
    page.number_input(key="limit-cbf").set_value(30.0).run()
    header, limited = shown(page)
    assert changed(before, limited) == [False, True, False, False, False]
    assert header["panels"][1]["ticks"] == ["0", "15", "30"]
    page.segmented_control(key="colours").set_value("Grey").run()
    assert changed(limited, shown(page)[1]) == [False, True, True, True, True]
