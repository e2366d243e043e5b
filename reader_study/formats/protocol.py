"""The protocol: what a study is going to do, fixed before anyone reads a picture."""

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from reader_study.errors import StudyError
from reader_study.formats.canonical import sha256_of
from reader_study.formats.checking import line_of

Allocation = Literal["paper", "balanced"]
Order = Literal["shared", "per_reader"]

_LATER = ("training_cases", "training_repeat", "training_skippable", "closing")


class SettingError(StudyError):
    """A value of the protocol cannot be used.

    Attributes:
        setting: Name of the field at fault.
        why: What must hold and what came.
    """

    def __init__(self, setting: str, why: str) -> None:
        super().__init__(f"{setting} {why}")
        self.setting, self.why = setting, why


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A two-trial study of two methods; once constructed, valid."""

    title: str
    per_severity: Mapping[str, int]
    """Number of cases drawn of each severity."""

    reference: str = "RAPID"
    test: str = "MAGIC"
    n_trials: int = 2
    """Each case is read once by each method, in different trials: two trials."""

    allocation: Allocation = "balanced"
    """`paper`: which method comes first is drawn for each case by itself, the same for
    all readers. `balanced`: half and half in each trial and severity, and two groups of
    readers with complementary assignments."""

    order: Order = "per_reader"
    """Whether readers share the order of presentation or have their own each."""

    max_run: int = 3
    """Longest run of pictures of one method; 0: left to chance."""

    min_distance: int = 0
    """Smallest difference of a case's positions in the two trials; 0: any."""

    n_readers: int = 7
    roles: tuple[str, ...] = ()
    """Specialties that readers may have; empty: any."""

    washout_days: float = 28.0
    """Least time between signing trial 1 and beginning trial 2."""

    corrections: bool = True
    """Whether an answer may be corrected, with a reason, until the trial is signed."""

    instructions: str = ""
    """What readers are told, word by word, before they begin."""

    training: str = ""
    """How readers are trained before trial 1."""

    training_cases: str = ""
    """Table of cases to practise on, beside the protocol; empty: none."""

    training_repeat: bool = False
    """Whether readers practise again before trial 2."""

    training_skippable: bool = False
    """Whether readers may leave out what is left of the training."""

    closing: bool = False
    """Whether readers are asked after trial 2 what they recognised and believed."""

    questionnaire: str = "paper"
    """`paper`, or a JSON file beside the protocol."""

    analysis: Mapping[str, Any] = field(default_factory=dict)
    """The analysis plan: plain values, hashed with the rest."""

    def __post_init__(self) -> None:
        for name in ("title", "reference", "test", "questionnaire"):
            _require(
                bool(getattr(self, name).strip()), name, "must not be empty, got ''"
            )
        same = self.reference.casefold() == self.test.casefold()
        _require(not same, "test", f"must not be the reference, got {self.test!r}")
        fixed = f"must be 2, as each method has one, got {self.n_trials}"
        _require(self.n_trials == 2, "n_trials", fixed)
        self._check_choices()
        self._check_cases()
        self._check_order()
        self._check_readers()

    @property
    def n_cases(self) -> int:
        """Number of cases of each trial."""
        return sum(self.per_severity.values())

    @cached_property
    def sha256(self) -> str:
        """Hash of all settings; comments and layout of the file do not count."""
        given = asdict(self)
        # So that protocols from before these settings keep their hash.
        unused = {name for name in _LATER if not given[name]}
        return sha256_of({n: value for n, value in given.items() if n not in unused})

    def _check_choices(self) -> None:
        for name, known in (("allocation", Allocation), ("order", Order)):
            value, allowed = getattr(self, name), get_args(known)
            why = f"must be {' or '.join(allowed)}, got {value!r}"
            _require(value in allowed, name, why)

    def _check_cases(self) -> None:
        for severity, count in self.per_severity.items():
            why = f"must be 0 or more of {severity}, got {count}"
            _require(count >= 0, "per_severity", why)
        _require(
            self.n_cases >= 2,
            "per_severity",
            f"must be two or more cases in all, got {self.n_cases}",
        )

    def _check_order(self) -> None:
        _require(self.max_run >= 0, "max_run", f"must be 0 or more, got {self.max_run}")
        why = (
            "must be 0 with allocation paper, which leaves to chance how many pictures "
            f"of a trial are of one method, got {self.max_run}"
        )
        _require(self.allocation != "paper" or not self.max_run, "max_run", why)
        # Were it more, the case in the middle of trial 1 would have no place.
        largest = self.n_cases // 2
        _require(
            0 <= self.min_distance <= largest,
            "min_distance",
            f"must be from 0 to half the {self.n_cases} cases ({largest}), "
            f"got {self.min_distance}",
        )

    def _check_readers(self) -> None:
        why = f"must be 1 or more, got {self.n_readers}"
        _require(self.n_readers >= 1, "n_readers", why)
        long_enough = math.isfinite(self.washout_days) and self.washout_days >= 0
        why = f"must be 0 or more days, got {self.washout_days}"
        _require(long_enough, "washout_days", why)


def _require(holds: bool, setting: str, why: str) -> None:
    if not holds:
        raise SettingError(setting, why)


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
