"""The protocol as a text: study.toml, read with errors that name the line."""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from reader_study.errors import StudyError
from reader_study.formats.protocol import Protocol, SettingError
from reader_study.formats.toml_lines import line_of


class _Setting(NamedTuple):
    field: str
    kind: type
    kind_name: str


_TEXT, _WHOLE, _NUMBER, _YES_NO, _TEXTS = (
    (str, "a text"),
    (int, "a whole number"),
    (float, "a number"),
    (bool, "true or false"),
    (tuple, "a list of texts"),
)
_SETTINGS = {
    ("study", "title"): _Setting("title", *_TEXT),
    ("study", "questionnaire"): _Setting("questionnaire", *_TEXT),
    ("methods", "reference"): _Setting("reference", *_TEXT),
    ("methods", "test"): _Setting("test", *_TEXT),
    ("design", "trials"): _Setting("n_trials", *_WHOLE),
    ("design", "allocation"): _Setting("allocation", *_TEXT),
    ("design", "order"): _Setting("order", *_TEXT),
    ("design", "max_run"): _Setting("max_run", *_WHOLE),
    ("design", "min_distance"): _Setting("min_distance", *_WHOLE),
    ("readers", "number"): _Setting("n_readers", *_WHOLE),
    ("readers", "roles"): _Setting("roles", *_TEXTS),
    ("readers", "washout_days"): _Setting("washout_days", *_NUMBER),
    ("readers", "corrections"): _Setting("corrections", *_YES_NO),
    ("readers", "instructions"): _Setting("instructions", *_TEXT),
    ("readers", "training"): _Setting("training", *_TEXT),
    ("readers", "closing"): _Setting("closing", *_YES_NO),
    ("training", "cases"): _Setting("training_cases", *_TEXT),
    ("training", "repeat"): _Setting("training_repeat", *_YES_NO),
    ("training", "skippable"): _Setting("training_skippable", *_YES_NO),
}
_FREE = ("cases", "analysis")  # tables whose keys the study chooses
_PATH_OF = {setting.field: path for path, setting in _SETTINGS.items()} | {
    "per_severity": ("cases",)
}


def template() -> str:
    """Give a commented protocol to begin with."""
    return files("reader_study").joinpath("templates/study.toml").read_text("utf-8")


def read_protocol(path: Path) -> Protocol:
    """Read and check study.toml.

    Raises:
        StudyError: If it cannot be read or used; file and line are named.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise StudyError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path}: must be UTF-8 ({error})"
        raise StudyError(msg) from error
    return parse_protocol(text, str(path))


def parse_protocol(text: str, where: str) -> Protocol:
    """Make a protocol of the text of study.toml.

    Args:
        text: In TOML.
        where: Name of the file, which errors begin with.

    Raises:
        StudyError: If a key is unknown or missing, or a value cannot be used.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{where}: {error}"
        raise StudyError(msg) from error
    try:
        return Protocol(**dict(_values(content)))
    except _KeyError as error:
        path, why = error.path, f"{'.'.join(error.path)} {error.why}"
    except SettingError as error:
        path = _PATH_OF[error.setting]
        why = f"{'.'.join(path)} {error.why}"
    msg = f"{where} line {line_of(text, path)}: {why}"
    raise StudyError(msg)


class _KeyError(Exception):
    """A key or the kind of its value is wrong."""

    def __init__(self, path: tuple[str, ...], why: str) -> None:
        super().__init__(why)
        self.path, self.why = path, why


def _values(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    _check_tables(content)
    yield "per_severity", _counts(content["cases"])
    yield "analysis", _plan(content.get("analysis", {}), ("analysis",))
    for table in set(content) - {*_FREE}:
        for name, value in content[table].items():
            yield _setting((table, name), value)


def _check_tables(content: Mapping[str, Any]) -> None:
    tables = dict.fromkeys([*(table for table, _ in _SETTINGS), *_FREE])
    for table, values in content.items():
        if table not in tables:
            raise _KeyError((table,), f"is unknown; known are {', '.join(tables)}")
        if not isinstance(values, dict):
            raise _KeyError((table,), f"must be a table, got {values!r}")
    for path in (("study", "title"), ("cases",)):
        if not content.get(path[0]) or path[-1] not in {*content, *content[path[0]]}:
            raise _KeyError(path, "must be given, got nothing")


def _setting(path: tuple[str, str], value: object) -> tuple[str, Any]:
    if path not in _SETTINGS:
        known = ", ".join(name for table, name in _SETTINGS if table == path[0])
        raise _KeyError(path, f"is unknown; known are {known}")
    field, kind, kind_name = _SETTINGS[path]
    if kind is tuple and isinstance(value, list):
        value = tuple(value)
    if kind is float and type(value) is int:
        value = float(value)
    texts = kind is not tuple or all(isinstance(v, str) for v in _iterable(value))
    if type(value) is not kind or not texts:
        raise _KeyError(path, f"must be {kind_name}, got {value!r}")
    return field, value


def _iterable(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()


def _counts(cases: Mapping[str, object]) -> dict[str, int]:
    counts = {}
    for severity, count in cases.items():
        if type(count) is not int:
            why = f"must be a whole number, got {count!r}"
            raise _KeyError(("cases", severity), why)
        counts[severity] = count
    return counts


def _plan(value: object, path: tuple[str, ...]) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {name: _plan(entry, (*path, name)) for name, entry in value.items()}
    if isinstance(value, list):
        return [_plan(entry, path) for entry in value]
    plain = isinstance(value, str | bool | int) or (
        isinstance(value, float) and value - value == 0
    )
    if not plain:
        why = f"must be a text, a finite number, true or false, got {value!r}"
        raise _KeyError(path, why)
    return value
