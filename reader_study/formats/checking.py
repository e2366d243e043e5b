"""Valid objects from files: one validator for every format, and the line of each fault.

A format is a class decorated with `record`: its annotations say what each value must
be, its `__post_init__` what must hold between them. `read_json` and `read_toml` give a
`Source`, which knows its lines; `check` makes a record of it, or names all its faults.
"""

import dataclasses
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar, dataclass_transform

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import ErrorDetails

from reader_study.errors import StudyError

T = TypeVar("T")
Path_ = tuple[str | int, ...]
"""Where a value is: keys of objects, and positions in lists from 0."""

_SHOWN = 25
_CLIPPED = 60


class FormatError(StudyError):
    """A file, or a value meant for one, cannot be used.

    Attributes:
        faults: One sentence each, with its line where there is one.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__(self._message())

    def _message(self) -> str:
        if len(self.faults) == 1:
            return self.faults[0]
        shown = [f"  {fault}" for fault in self.faults[:_SHOWN]]
        if len(self.faults) > _SHOWN:
            shown.append(f"  and {len(self.faults) - _SHOWN} more")
        return "\n".join([f"{len(self.faults)} faults:", *shown])


class Invalid(ValueError):  # noqa: N818 - a finding, which becomes part of an error
    """A value that its record refuses.

    Attributes:
        why: What must hold and what came.
        path: Where the value is, inside the record that refuses it.
    """

    def __init__(self, why: str, *path: str | int) -> None:
        super().__init__(why)
        self.why, self.path = why, path


class Fault(NamedTuple):
    """One thing that is wrong with a content."""

    path: Path_
    why: str

    def __str__(self) -> str:
        return f"{written(self.path)} {self.why}" if self.path else self.why


def written(path: Path_) -> str:
    """Return a path as text.

    Examples:
        >>> written(("questions", 0, "scale"))
        'questions[0].scale'
    """
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).removeprefix(".")


# -- What a value may be; values are taken as they are, never converted.


def _code(given: object) -> object:
    if isinstance(given, bool) or not isinstance(given, int | str):
        msg = f"must be a whole number or a text, got {clipped(given)}"
        raise Invalid(msg)
    return given


def _stored(given: object) -> object:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        msg = f"must be a number or a text, got {clipped(given)}"
        raise Invalid(msg)
    return given


def _filled(given: object) -> object:
    if isinstance(given, str) and not given.strip():
        msg = f"must not be empty, got {given!r}"
        raise Invalid(msg)
    return given


def between(low: float, high: float) -> Any:  # noqa: ANN401 - an annotation
    """Return the type of a number between two others, which it must not reach."""

    def check(given: object) -> object:
        number = isinstance(given, int | float) and not isinstance(given, bool)
        if not number or not low < float(str(given)) < high:
            msg = f"must be between {low:g} and {high:g}, got {clipped(given)}"
            raise Invalid(msg)
        return given

    return Annotated[float, BeforeValidator(check)]


Text = Annotated[str, Strict()]
Filled = Annotated[str, Strict(), BeforeValidator(_filled)]
"""A text that is not blank."""
Whole = Annotated[int, Strict()]
Count = Annotated[int, Strict(), Field(ge=0)]
Positive = Annotated[int, Strict(), Field(ge=1)]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
YesNo = Annotated[bool, Strict()]
Code = Annotated[int | str, BeforeValidator(_code)]
"""A step of a scale as it is stored."""
Stored = Annotated[int | float | str, BeforeValidator(_stored)]
"""An answer as it is stored."""


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def record(cls: type[T] | None = None, *, kw_only: bool = False) -> Any:  # noqa: ANN401
    """Make a class a frozen dataclass that is valid once it is constructed.

    Constructing it raises `FormatError`. `__post_init__` may raise `Invalid`. Fields
    that the class does not have are refused, and those that it has are named.
    """
    if cls is None:
        return lambda decorated: record(decorated, kw_only=kw_only)

    def known_only(klass: type[T], given: object) -> object:
        if not isinstance(given, dict):
            return given
        # What is not shown is not for files.
        known = [f.name for f in dataclasses.fields(klass) if f.repr]  # type: ignore[arg-type]
        for name in given:
            if name not in known:
                msg = f"is unknown; known are {', '.join(known)}"
                raise Invalid(msg, str(name))
        return given

    checker = model_validator(mode="before")(classmethod(known_only))  # type: ignore[arg-type]
    cls._known_only = checker  # type: ignore[attr-defined]
    made = pydantic_dataclass(frozen=True, kw_only=kw_only, config=_CONFIG)(cls)
    init = made.__init__

    def checked_init(self: object, *args: object, **given: object) -> None:
        try:
            init(self, *args, **given)
        except ValidationError as error:
            names = [field.name for field in dataclasses.fields(made) if field.init]
            found = [Fault(_named(f.path, names), f.why) for f in _faults(error)]
            raise FormatError([str(fault) for fault in found]) from None

    made.__init__ = checked_init  # type: ignore[method-assign]
    return made


def _named(path: Path_, names: Sequence[str]) -> Path_:
    """Return a path whose first part, if the place of an argument, is its name."""
    positional = bool(path) and isinstance(path[0], int)
    return (names[int(path[0])], *path[1:]) if positional else path


_CONFIG = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


# -- Files that know their lines


@dataclass(frozen=True)
class Source:
    """A content and the text that it came from.

    Attributes:
        where: Name of the file, which messages begin with.
        content: As the file gives it.
        text: Of the file; empty if there is none.
        lines: Line of the text, from 1, where the value of a path begins.
    """

    where: str
    content: Any
    text: str = ""
    lines: Callable[[str], Mapping[Path_, int]] = lambda _: {}

    def error(self, faults: Iterable[Fault]) -> FormatError:
        """Return the error that names faults with their lines, in their order."""
        lines = self.lines(self.text) if self.text else {}
        located = [(_nearest(lines, fault.path), fault) for fault in faults]
        if self.text and all(line for line, _ in located):
            located.sort(key=lambda entry: entry[0])
        return FormatError([f"{self._place(line)}: {why}" for line, why in located])

    def _place(self, line: int) -> str:
        return f"{self.where} line {line}" if line else self.where


def read_json(path: str | Path) -> Source:
    """Read a JSON file.

    Raises:
        FormatError: If it cannot be read or is not JSON; the file is named.
    """
    return parse_json(read_text(path, encoding="utf-8-sig"), str(path))


def parse_json(text: str, where: str) -> Source:
    """Return the content of a text in JSON.

    Raises:
        FormatError: If it is not JSON; `where` is named.
    """
    try:
        return Source(where, json.loads(text), text, _json_lines)
    except json.JSONDecodeError as error:
        raise FormatError([f"{where}: not a JSON file ({error})"]) from error


def read_toml(path: str | Path) -> Source:
    """Read a TOML file.

    Raises:
        FormatError: If it cannot be read or is not TOML; the file is named.
    """
    return parse_toml(read_text(path), str(path))


def parse_toml(text: str, where: str) -> Source:
    """Return the content of a text in TOML.

    Raises:
        FormatError: If it is not TOML; `where` is named.
    """
    try:
        return Source(where, tomllib.loads(text), text, _toml_lines)
    except tomllib.TOMLDecodeError as error:
        raise FormatError([f"{where}: {error}"]) from error


def read_text(path: str | Path, encoding: str = "utf-8") -> str:
    """Read a text file.

    Raises:
        FormatError: If it cannot be read or is not UTF-8; the file is named.
    """
    try:
        return Path(path).read_text(encoding=encoding)
    except TypeError as error:
        msg = f"A path must be a text or a Path, got {clipped(path)}"
        raise FormatError([msg]) from error
    except OSError as error:
        raise FormatError([f"{path}: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise FormatError([f"{path}: must be UTF-8 ({error})"]) from error


def json_text(content: object, indent: int = 2) -> str:
    """Return a content as the text of a JSON file."""
    return json.dumps(content, indent=indent, ensure_ascii=False) + "\n"


def require_object(source: Source, schemas: Sequence[int] = (1,)) -> dict[str, Any]:
    """Return a content that must be an object, of a known schema if it names one.

    Raises:
        FormatError: If it is not.
    """
    if not isinstance(source.content, dict):
        kind = type(source.content).__name__
        raise source.error([Fault((), f"must be a JSON object, got {kind}")])
    schema = source.content.get("schema", 1)
    if schema not in schemas or isinstance(schema, bool):
        known = " or ".join(map(str, schemas))
        why = f"must be {known}, got {clipped(schema)}"
        raise source.error([Fault(("schema",), why)])
    return source.content


def check(
    cls: type[T],
    content: object,
    source: Source,
    path_of: Callable[[Path_], Path_] = lambda path: path,
) -> T:
    """Return the record that a content describes.

    Args:
        cls: Class of the record.
        content: Plain values, as files give them.
        source: What the content was taken from.
        path_of: Where in the file a path of the content is.

    Raises:
        FormatError: If it is none; all faults are named, with their lines.
    """
    try:
        return TypeAdapter(cls).validate_python(content)
    except ValidationError as error:
        found = [Fault(path_of(fault.path), fault.why) for fault in _faults(error)]
        raise source.error(found) from None


def faults_of(cls: type[T], content: object) -> list[Fault]:
    """Return what is wrong with a content; nothing if it describes the record."""
    try:
        TypeAdapter(cls).validate_python(content)
    except ValidationError as error:
        return list(_faults(error))
    return []


def clipped(given: object) -> str:
    """Return a value as messages show it."""
    shown = repr(given)
    return shown if len(shown) <= _CLIPPED else shown[: _CLIPPED - 3] + "..."


_MUST = {
    "literal_error": "{expected}",
    "too_short": "{min_length} or more entries",
    "greater_than_equal": "{ge:g} or more",
    "less_than_equal": "{le:g} or less",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "string_type": "a text",
    "bool_type": "true or false",
    "float_type": "a number",
    "finite_number": "a finite number",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "an object",
    "mapping_type": "an object",
    "dataclass_type": "an object",
    "dataclass_exact_type": "an object",
    "date_type": "a date",
}


def _faults(error: ValidationError) -> Iterator[Fault]:
    for found in error.errors(include_url=False):
        cause = found.get("ctx", {}).get("error")
        inside = cause.path if isinstance(cause, Invalid) else ()
        yield Fault((*found["loc"], *inside), _why(found))


def _why(found: ErrorDetails) -> str:
    kind, ctx = found["type"], found.get("ctx", {})
    if kind == "value_error":
        return str(ctx["error"])
    if kind == "unexpected_keyword_argument":
        return "is unknown"
    if "missing" in kind:
        return "must be given, got nothing"
    if kind not in _MUST:
        return f"cannot be used ({found['msg']}), got {clipped(found['input'])}"
    must = _MUST[kind].format(**ctx).replace("'", "")
    return f"must be {must}, got {clipped(found['input'])}"


def _nearest(lines: Mapping[Path_, int], path: Path_) -> int:
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1 if lines else 0


def line_of(text: str, path: Path_) -> int:
    r"""Return the line, from 1, of a key in TOML; of its table if not found itself.

    Examples:
        >>> line_of("[cases]\nnone = 7", ("cases", "none"))
        2
        >>> line_of("[cases]\nnone = 7", ("cases", "severe"))
        1
    """
    return _nearest(_toml_lines(text), tuple(path))


# -- Lines of TOML

_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_PATH = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_TABLE = re.compile(rf"\s*\[\[?\s*({_PATH})\s*\]")
_KEY = re.compile(rf"\s*({_PATH})\s*=")


def _toml_lines(text: str) -> dict[Path_, int]:
    found: dict[Path_, int] = {}
    table: tuple[str, ...] = ()
    closing = ""  # of the text of many lines that we are in
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        if header := _TABLE.match(line):
            table = _names(header[1])
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_names(key[1])), number)
        quotes = [quote for quote in ('"""', "'''") if line.count(quote) % 2]
        closing = quotes[0] if quotes else ""
    return found or {("",): 1}


def _names(path: str) -> tuple[str, ...]:
    return tuple(name.strip("\"'") for name in re.findall(_NAME, path))


# -- Lines of JSON

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


_COLON = re.compile(r"\s*:")


def _json_lines(text: str) -> dict[Path_, int]:
    found: dict[Path_, int] = {(): 1}
    place: list[str | int] = []  # key or position of each object or list we are in
    opened: list[str] = []
    line, end = 1, 0
    for token in _TOKEN.finditer(text):
        line, end = line + text.count("\n", end, token.start()), token.start()
        sign = token[0]
        if sign in "}]":
            opened.pop()
            place.pop()
        elif sign == "," and opened[-1] == "[":
            place[-1] = int(place[-1]) + 1
        elif sign in ",:":
            continue
        else:
            named = opened and opened[-1] == "{" and _COLON.match(text, token.end())
            if named and sign[0] == '"':
                place[-1] = json.loads(sign)
            found.setdefault(tuple(place), line)
            if sign in "{[":
                opened.append(sign)
                place.append("" if sign == "{" else 0)
    return found
