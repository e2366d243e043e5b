"""What the sources of the reading room keep away from, as `test_traps.py` tells."""

import ast
from pathlib import Path

import pytest

import app

ROOM = Path(app.__file__).parent
SOURCES = [ROOM / "main.py", *(ROOM / "screens").glob("*.py"), ROOM / "state.py"]
TREES = {path.name: ast.parse(path.read_text("utf-8")) for path in SOURCES}


def calls_of_streamlit(tree):
    """Names of `st....` in a piece of code, with their keyword arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("st."):
            name = ast.unparse(node.func).removeprefix("st.")
            yield name, {word.arg for word in node.keywords}


@pytest.mark.parametrize(
    "name",
    ["image", "cache_data", "cache_resource", "navigation", "segmented_control",
     "pills", "feedback", "markdown", "write"],
)  # fmt: skip
def test_what_is_a_trap_is_not_used(name):
    used = {
        file for file, t in TREES.items() for n, _ in calls_of_streamlit(t) if n == name
    }
    assert used == set()


def test_nothing_is_in_the_address():
    for path in SOURCES:
        assert "query_params" not in path.read_text("utf-8"), path


def test_nothing_is_cleared_on_submit_and_buttons_act_by_callbacks():
    buttons = [
        (file, words)
        for file, tree in TREES.items()
        for name, words in calls_of_streamlit(tree)
        if name in ("button", "form_submit_button")
    ]
    assert len(buttons) > 8
    assert [file for file, words in buttons if "on_click" not in words] == []
    assert not any("clear_on_submit=True" in p.read_text("utf-8") for p in SOURCES)


def test_no_button_is_in_a_fragment():
    fragments = [
        node
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any("fragment" in ast.unparse(d) for d in node.decorator_list)
    ]
    assert len(fragments) == 1
    used = {name for node in fragments for name, _ in calls_of_streamlit(node)}
    assert not used & {"button", "form_submit_button"}
