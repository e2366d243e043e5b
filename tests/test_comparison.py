"""Beside other tools: what is said of this project can be looked at."""

import re

import pytest

from tests.pages import DOCS, PROGRAMS, ROOT, command_of, text_of

PAGE = DOCS / "comparison.md"
_TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
_NAMED = re.compile(r"`([^`]+)`")
_LINKED = re.compile(r"\]\(([^)#]+)")


def rows():
    """Each row's first cell, what is said of this project, and what shows it."""
    for table in _TABLE.findall(text_of(PAGE)):
        header, _, *body = table.splitlines()
        columns = [cell.strip() for cell in header.strip("|").split("|")]
        here = columns.index("here")
        for line in body:
            cells = [cell.strip() for cell in line.strip()[1:-1].split("|")]
            assert len(cells) == len(columns), line
            yield cells[0], cells[here], cells[-1]


ROWS = list(rows())


def claims():
    return [row for row in ROWS if not row[1].startswith("no") and row[1]]


def test_the_page_has_its_rows():
    assert len(ROWS) == 64
    assert len({name for name, *_ in ROWS}) == 64


@pytest.mark.parametrize(
    ("name", "said", "shown"), claims(), ids=lambda text: text[:24]
)
def test_each_claim_can_be_looked_at(name, said, shown):
    named, linked = _NAMED.findall(shown), _LINKED.findall(shown)

    assert named or linked, f"{name}: {said}"
    for link in linked:
        assert (PAGE.parent / link).exists(), link
    for text in named:
        if text.startswith("tests/"):
            assert (ROOT / text).exists(), text
            continue
        words = text.split()
        command, options, rest = command_of(words)
        assert command is not PROGRAMS[words[0]], text
        assert {word for word in rest if word.startswith("--")} <= options, text


def test_the_limits_are_told_too():
    assert sum(said.startswith("no") for _, said, _ in ROWS) >= 8
    assert "**?** means" in text_of(PAGE)
