"""The protocol: what a study is going to do, fixed before anyone reads a picture."""

import dataclasses
from collections.abc import Mapping
from dataclasses import asdict, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from reader_study.formats import checking
from reader_study.formats.canonical import sha256_of

Allocation = Literal["paper", "balanced"]
Order = Literal["shared", "per_reader"]
Viewer = Literal["montage", "stack"]
_Days = Annotated[checking.Number, Field(ge=0)]
_Hours = Annotated[checking.Number, Field(gt=0, le=168)]

PictureCue = Literal[
    "margin", "slice rows", "background noise", "background share", "colours used",
    "compressed size", "volume levels", "volume empty share", "volume mean",
    "volume fine detail", "volume step between slices",
]  # fmt: skip
"""What the blinding audit measures of pictures themselves."""

_IN_FILE = {
    "title": ("study", "title"),
    "questionnaire": ("study", "questionnaire"),
    "reference": ("methods", "reference"),
    "test": ("methods", "test"),
    "per_severity": ("cases",),
    "n_trials": ("design", "trials"),
    "allocation": ("design", "allocation"),
    "order": ("design", "order"),
    "max_run": ("design", "max_run"),
    "min_distance": ("design", "min_distance"),
    "n_readers": ("readers", "number"),
    "roles": ("readers", "roles"),
    "washout_days": ("readers", "washout_days"),
    "corrections": ("readers", "corrections"),
    "closing": ("readers", "closing"),
    "idle_hours": ("readers", "idle_hours"),
    "pin": ("readers", "pin"),
    "instructions": ("readers", "instructions"),
    "training": ("readers", "training"),
    "training_cases": ("training", "cases"),
    "training_repeat": ("training", "repeat"),
    "training_skippable": ("training", "skippable"),
    "viewer": ("reading", "viewer"),
    "require_all_slices": ("reading", "require_all_slices"),
    "lock_window": ("reading", "lock_window"),
    "measures": ("reading", "measures"),
    "accepted_cues": ("blinding", "accepted_cues"),
    "analysis": ("analysis",),
}
"""Table and key of study.toml, by field; `cases` and `analysis` are whole tables."""

_ALWAYS_HASHED = frozenset(_IN_FILE) - {
    "training_cases", "training_repeat", "training_skippable", "closing", "idle_hours",
    "pin", "viewer", "require_all_slices", "lock_window", "measures",
    "accepted_cues",
}  # fmt: skip
"""Settings of the first version. All later ones are hashed where they are not at their
default, so that a new setting changes no study that does without it."""


@checking.record(kw_only=True)
class Protocol:
    """A two-trial study of two methods; once constructed, valid."""

    title: checking.Filled
    per_severity: Mapping[str, checking.Count]
    """Number of cases drawn of each severity."""

    reference: checking.Filled = "RAPID"
    test: checking.Filled = "MAGIC"
    n_trials: Literal[2] = 2
    """Each case is read once by each method, in different trials: two trials."""

    allocation: Allocation = "balanced"
    """`paper`: which method comes first is drawn for each case by itself, the same for
    all readers. `balanced`: half and half in each trial and severity, and two groups of
    readers with complementary assignments."""

    order: Order = "per_reader"
    """Whether readers share the order of presentation or have their own each."""

    max_run: checking.Count = 3
    """Longest run of pictures of one method; 0: left to chance."""

    min_distance: checking.Count = 0
    """Smallest difference of a case's positions in the two trials; 0: any."""

    n_readers: checking.Positive = 7
    roles: tuple[checking.Text, ...] = ()
    """Specialties that readers may have; empty: any."""

    washout_days: _Days = 28.0
    """Least time between signing trial 1 and beginning trial 2."""

    corrections: checking.YesNo = True
    """Whether an answer may be corrected, with a reason, until the trial is signed."""

    instructions: checking.Text = ""
    """What readers are told, word by word, before they begin."""

    training: checking.Text = ""
    """How readers are trained before trial 1."""

    training_cases: checking.Text = ""
    """Table of cases to practise on, beside the protocol; empty: none."""

    training_repeat: checking.YesNo = False
    """Whether readers practise again before trial 2."""

    training_skippable: checking.YesNo = False
    """Whether readers may leave out what is left of the training."""

    closing: checking.YesNo = False
    """Whether readers are asked after trial 2 what they recognised and believed."""

    idle_hours: _Hours = 12.0
    """A reader's session ends after so long without a sign of the reader."""

    pin: checking.YesNo = True
    """Whether a PIN of the reader's own may wake such a session at the same browser."""

    viewer: Viewer = "montage"
    """`montage`: one picture a case, as in the paper. `stack`: linked panels with one
    slice position, from the volumes of the cases."""

    require_all_slices: checking.YesNo = False
    """Whether all slices of a stack, or rows of a montage, must have been on screen
    before an answer."""

    lock_window: checking.YesNo = False
    """Whether the window of the NCCT stays as it is at first."""

    measures: checking.YesNo = False
    """Whether readers may measure lengths and means in a stack."""

    accepted_cues: tuple[PictureCue, ...] = ()
    """Cues of the pictures that may tell the methods apart; any other is refused."""

    questionnaire: checking.Filled = "paper"
    """`paper`, or a JSON file beside the protocol."""

    analysis: Mapping[str, Any] = field(default_factory=dict)
    """The analysis plan: plain values, hashed with the rest."""

    def __post_init__(self) -> None:
        if self.reference.casefold() == self.test.casefold():
            msg = f"must not be the reference, got {self.test!r}"
            raise checking.Invalid(msg, "test")
        if self.n_cases < 2:
            why = f"must be two or more cases in all, got {self.n_cases}"
            raise checking.Invalid(why, "per_severity")
        if self.allocation == "paper" and self.max_run:
            why = (
                "must be 0 with allocation paper, which leaves to chance how many "
                f"pictures of a trial are of one method, got {self.max_run}"
            )
            raise checking.Invalid(why, "max_run")
        self._check_viewer()
        # Were it more, the case in the middle of trial 1 would have no place.
        largest = self.n_cases // 2
        if self.min_distance > largest:
            why = (
                f"must be from 0 to half the {self.n_cases} cases ({largest}), "
                f"got {self.min_distance}"
            )
            raise checking.Invalid(why, "min_distance")

    def _check_viewer(self) -> None:
        for name in ("lock_window", "measures"):
            if getattr(self, name) and self.viewer != "stack":
                why = f"must be false unless viewer is 'stack', got {self.viewer!r}"
                raise checking.Invalid(why, name)

    @property
    def n_cases(self) -> int:
        """Number of cases of each trial."""
        return sum(self.per_severity.values())

    @cached_property
    def sha256(self) -> str:
        """Hash of all settings; comments and layout of the file do not count."""
        given = asdict(self)
        return sha256_of(
            {
                f.name: given[f.name]
                for f in dataclasses.fields(self)
                if f.name in _ALWAYS_HASHED or given[f.name] != f.default
            }
        )


def template() -> str:
    """Return a commented protocol to begin with."""
    return files("reader_study").joinpath("templates/study.toml").read_text("utf-8")


def read_protocol(path: str | Path) -> Protocol:
    """Read study.toml.

    Raises:
        FormatError: If it cannot be read or used; file and line are named.
    """
    return protocol_of(checking.read_toml(path))


def parse_protocol(text: str, where: str) -> Protocol:
    """Return the protocol that the text of study.toml describes.

    Args:
        text: In TOML.
        where: Name of the file, which errors begin with.

    Raises:
        FormatError: If a key is unknown or missing, or a value cannot be used.
    """
    return protocol_of(checking.parse_toml(text, where))


def protocol_of(source: checking.Source) -> Protocol:
    """Return the protocol that the content of study.toml describes.

    Raises:
        FormatError: If a key is unknown or missing, or a value cannot be used.
    """
    content: dict[str, Any] = source.content
    faults = [*_table_faults(content), *_plain_faults(content.get("analysis", {}))]
    values = {}
    for name, path in _IN_FILE.items():
        table = content.get(path[0])
        if len(path) == 1 and table is not None:
            values[name] = table
        elif isinstance(table, dict) and path[-1] in table:
            values[name] = table[path[-1]]
    if faults:
        found = checking.faults_of(Protocol, values)
        faults += [
            checking.Fault(path_in_file(fault.path), fault.why) for fault in found
        ]
        raise source.error(dict.fromkeys(faults))
    return checking.check(Protocol, values, source, path_in_file)


def path_in_file(path: checking.Path_) -> checking.Path_:
    """Return where in study.toml the field of a protocol is."""
    return (*_IN_FILE[str(path[0])], *path[1:]) if path else path


def check_names(protocol: Protocol, source: checking.Source) -> None:
    """Check that names survive a table: one line, no blanks around, no control signs.

    Raises:
        FormatError: If one does not.
    """
    faults = [
        checking.Fault(
            path_in_file((name,)),
            f"must be one line without blanks around it, got {checking.clipped(value)}",
        )
        for name in ("title", "reference", "test")
        if (value := getattr(protocol, name)) != value.strip()
        or not value.isprintable()
    ]
    if faults:
        raise source.error(faults)


def _table_faults(content: Mapping[str, Any]) -> list[checking.Fault]:
    tables: dict[str, list[str]] = {}
    for path in _IN_FILE.values():
        tables.setdefault(path[0], []).extend(path[1:])
    faults = []
    for table, values in content.items():
        known = tables.get(table)
        if known is None:
            why = f"is unknown; known are {', '.join(tables)}"
            faults.append(checking.Fault((table,), why))
        elif not isinstance(values, dict):
            faults.append(
                checking.Fault(
                    (table,), f"must be a table, got {checking.clipped(values)}"
                )
            )
        elif known:
            why = f"is unknown; known are {', '.join(known)}"
            faults += [
                checking.Fault((table, key), why) for key in values if key not in known
            ]
    return faults


def _plain_faults(
    value: object, path: checking.Path_ = ("analysis",)
) -> list[checking.Fault]:
    if isinstance(value, dict):
        return [f for k, v in value.items() for f in _plain_faults(v, (*path, k))]
    if isinstance(value, list):
        return [f for entry in value for f in _plain_faults(entry, path)]
    plain = isinstance(value, str | bool | int) or (
        isinstance(value, float) and value - value == 0
    )
    why = f"must be a text, a finite number, true or false, got {value!r}"
    return [] if plain else [checking.Fault(path, why)]
