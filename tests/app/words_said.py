"""Every English text that the reading room says, from its source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import app
from app.accounts import READER
from app.screens import sign_in
from reader_study.formats.closing import RECOGNISED

ROOT = Path(app.__file__).parent
SOURCES = [*sorted((ROOT / "screens").glob("*.py")), ROOT / "answering.py"]


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _texts(node: ast.expr, known: dict[str, ast.expr]) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value
        elif isinstance(part, ast.JoinedStr):
            return
        elif isinstance(part, ast.Name) and part.id in known:
            yield from _texts(known[part.id], known)


def said() -> set[str]:
    """Return the texts that catalogues must have."""
    found = {READER.ended, READER.failed, *RECOGNISED.values()}
    form = sign_in._READERS
    found |= {form.heading, form.field, form.help, sign_in._PIN_HELP}
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        known = _constants(tree)
        if path.name == "reading.py":  # their texts are put together
            from app.screens import reading

            found |= {reading._KEYS, reading._STACK_KEYS}
            known = {}
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "say":
                found |= set(_texts(call.args[0], known))
    return found
