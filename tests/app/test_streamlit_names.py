"""What of Streamlit is used beyond what it documents, as docs/architecture.md lists."""

import re
from pathlib import Path

import app

HERE = Path(app.__file__).parent
DOCUMENTED = {"streamlit", "streamlit.App"}
"""Modules and names outside `streamlit as st` that its documentation has."""

BEYOND = re.compile(
    r"_stcore|_streamlit\b|static/index\.html|data-testid|data-baseweb|st-emotion-cache"
    r"|data-test-\w+-state|\.st[A-Z]\w+"
)
"""Parts of Streamlit that it may change without a word."""


def sources(*endings):
    return [p for p in HERE.rglob("*") if p.suffix in endings and p.is_file()]


def test_modules_of_streamlit_are_those_that_it_documents():
    used = set()
    for path in sources(".py"):
        text = path.read_text("utf-8")
        used |= set(re.findall(r"^\s*import (streamlit[\w.]*)", text, re.MULTILINE))
        for module, names in re.findall(
            r"^\s*from (streamlit[\w.]*) import ([\w, ]+)", text, re.MULTILINE
        ):
            used |= {f"{module}.{name.strip()}" for name in names.split(",")}
        assert not re.search(r"\bst\._|\bst\.runtime\b|\bst\.web\b", text), path
    assert used == DOCUMENTED


def test_what_is_used_beyond_the_documentation_is_listed():
    used = {
        found
        for path in sources(".py", ".css", ".js", ".html", ".txt", ".conf")
        for found in BEYOND.findall(path.read_text("utf-8"))
    }
    page = (HERE.parent / "docs" / "architecture.md").read_text("utf-8")
    table = page.partition("| in Streamlit |")[2].partition("\n\n")[0]
    assert used == set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE))
