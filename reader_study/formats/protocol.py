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
from reader_study.formats import design as formats_design
from reader_study.formats.asking.panel import Panel
from reader_study.formats.canonical import sha256_of

Allocation = Literal["paper", "balanced"]
Order = formats_design.Order
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
    "reserve": ("readers", "reserve"),
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
    "language": ("reading", "language"),
    "accepted_cues": ("blinding", "accepted_cues"),
    "panel": ("panel",),
    "analysis": ("analysis",),
}
"""Table and key of study.toml, by field; `cases`, `panel` and `analysis` are whole
tables."""

_OF_TWO_TRIALS = frozenset(
    {name for name, path in _IN_FILE.items() if path[0] in {"methods", "design"}}
)
_DESIGN = ("design",)
_IN_FILE_BY_ARMS = {
    **{name: path for name, path in _IN_FILE.items() if name not in _OF_TWO_TRIALS},
    "layout": _DESIGN,
}
"""The same where `[design]` names arms: then it is a whole table, too."""

_ALWAYS_HASHED = frozenset(_IN_FILE) - {
    "reserve", "training_cases", "training_repeat", "training_skippable", "closing",
    "idle_hours", "pin", "viewer", "require_all_slices", "lock_window", "measures",
    "language", "accepted_cues", "panel",
}  # fmt: skip
"""Settings of the first version. All later ones are hashed where they are not at their
default, so that a new setting changes no study that does without it."""


Language = Literal["en", "de", "es", "zh"]
"""Languages that the reading room speaks: English, German, Spanish, Chinese."""


@checking.record(kw_only=True)
class Protocol:
    """What a study is going to do; once constructed, valid.

    Its design is that of two methods in two trials, or the one that `layout` says.
    """

    title: checking.Filled
    per_severity: Mapping[str, checking.Count] = field(default_factory=dict)
    """Number of cases drawn of each severity; with a layout of each value of its first
    stratum, or of each arm of unpaired ones, and empty for all cases."""

    reference: checking.Filled = "RAPID"
    test: checking.Text = "MAGIC"
    n_trials: checking.Positive = 2
    """Each case is read once by each method, in different trials: two trials."""

    layout: formats_design.StudyDesign | None = None
    """The design where study.toml names arms; None: two trials, as the settings
    around this one say. `design` is it in either case."""

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
    reserve: checking.Count = 0
    """Places that are drawn and sealed with the others, for readers who come later: an
    amendment of `n_readers` opens them, one after the other."""

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

    language: Language = "en"
    """Of all that the reading room says; questions and instructions are as given."""

    accepted_cues: tuple[PictureCue, ...] = ()
    """Cues of the pictures that may tell the methods apart; any other is refused."""

    questionnaire: checking.Filled = "paper"
    """`paper`, or a JSON file beside the protocol."""

    panel: Panel | None = None
    """Whose readings become the truth of another study; None of all other studies."""

    analysis: Mapping[str, Any] = field(default_factory=dict)
    """The analysis plan: plain values, hashed with the rest."""

    def __post_init__(self) -> None:
        self._check_viewer()
        if self.layout is None:
            self._check_two_trials()
        else:
            self._check_layout(self.layout)
        if self.panel is not None:
            self._check_panel(self.panel)

    def _check_two_trials(self) -> None:
        if not self.per_severity:
            msg = "must be given, got nothing"
            raise checking.Invalid(msg, "per_severity")
        if not self.test.strip():
            msg = f"must not be empty, got {self.test!r}"
            raise checking.Invalid(msg, "test")
        if self.n_trials != 2:
            msg = f"must be 2, got {self.n_trials}"
            raise checking.Invalid(msg, "n_trials")
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
        # Were it more, the case in the middle of trial 1 would have no place.
        largest = self.n_cases // 2
        if self.min_distance > largest:
            why = (
                f"must be from 0 to half the {self.n_cases} cases ({largest}), "
                f"got {self.min_distance}"
            )
            raise checking.Invalid(why, "min_distance")

    def _check_layout(self, layout: formats_design.StudyDesign) -> None:
        self._check_display(layout)
        if self.closing and layout.sessions != 2:
            why = "must be false unless there are two sessions, which it compares"
            raise checking.Invalid(why, "closing")
        if self.per_severity:
            self._check_counts(layout)
        if self.n_readers < layout.groups:
            why = (
                f"must be {self.n_readers} at most, the number of readers, got "
                f"{layout.groups}"
            )
            raise checking.Invalid(why, "layout", "groups")
        for key in ("cases_per_reader", "repeat", "shared_cases"):
            given = getattr(layout, key)
            if self.per_severity and given > self.n_cases:
                why = (
                    f"must be {self.n_cases} at most, the number of cases, got {given}"
                )
                raise checking.Invalid(why, "layout", key)

    def _check_display(self, layout: formats_design.StudyDesign) -> None:
        """Refuse what does not go with several pictures at once, or with two steps."""
        several = layout.at_once > 1
        shown = "several pictures are shown at once" if several else "two steps follow"
        faults = (
            ("viewer", "be 'montage'", several and self.viewer != "montage"),
            ("training_cases", "be left out", several and self.training_cases),
            ("closing", "be false", layout.display != "one picture" and self.closing),
        )
        for name, must, wrong in faults:
            if wrong:
                got = checking.clipped(getattr(self, name))
                why = f"must {must} where {shown}, got {got}"
                raise checking.Invalid(why, name)

    def _check_counts(self, layout: formats_design.StudyDesign) -> None:
        if layout.pairing == "unpaired":
            for name in self.per_severity:
                if name not in layout.arms:
                    known = ", ".join(layout.arms)
                    why = f"must be an arm of an unpaired design, {known}"
                    raise checking.Invalid(why, "per_severity", name)
        elif not layout.strata:
            why = (
                "must be left out, to read all cases, or design.strata must name the "
                "column whose values it counts"
            )
            raise checking.Invalid(why, "per_severity")
        if not self.n_cases:
            msg = "must be one or more cases in all, got 0"
            raise checking.Invalid(msg, "per_severity")

    def _check_panel(self, panel: Panel) -> None:
        """Refuse a panel in which a case is not one picture, read once by everybody."""
        design = self.design
        crossed = len(design.arms) == 1 and design.allocation == "crossed"
        if not crossed or design.sessions > 1 or design.repeat:
            why = (
                "must be left out unless every reader reads every case once: one arm, "
                "one session, allocation 'crossed', no repeat"
            )
            raise checking.Invalid(why, "panel")
        least, most = (1, 1) if panel.adjudicates else (2, self.n_places)
        if not least <= self.n_readers <= self.n_places <= most:
            who = "1, who decides" if panel.adjudicates else "2 or more, who agree"
            got = f"{self.n_readers} and {self.reserve} in reserve"
            why = f"must be {who}, with a table [panel], got {got}"
            raise checking.Invalid(why, "n_readers")

    def _check_viewer(self) -> None:
        for name in ("lock_window", "measures"):
            if getattr(self, name) and self.viewer != "stack":
                why = f"must be false unless viewer is 'stack', got {self.viewer!r}"
                raise checking.Invalid(why, name)

    @property
    def n_cases(self) -> int:
        """Number of cases that are drawn; 0 where all are read."""
        return sum(self.per_severity.values())

    @property
    def n_places(self) -> int:
        """Number of places that are drawn, those in reserve among them."""
        return self.n_readers + self.reserve

    @cached_property
    def design(self) -> formats_design.StudyDesign:
        """What is read, by whom and when."""
        if self.layout is not None:
            return self.layout
        return formats_design.two_trials(
            self.reference,
            self.test,
            by_chance=self.allocation == "paper",
            order=self.order,
            max_run=self.max_run,
            min_distance=self.min_distance,
        )

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods; the first is the reference."""
        return self.design.arms

    def washout_before(self, trial: int) -> float:
        """Return the least days between a trial and the one before it."""
        own = self.layout.washout_days if self.layout else ()
        return own[trial - 2] if own and trial > 1 else self.washout_days

    @property
    def least_washout(self) -> float:
        """Least days of any pause between two trials in turn."""
        pauses = range(2, self.n_trials + 1)
        return min(map(self.washout_before, pauses), default=self.washout_days)

    @cached_property
    def sha256(self) -> str:
        """Hash of all settings; comments and layout of the file do not count."""
        given = asdict(self)
        if self.layout is not None:
            given["layout"] = self.layout.given()
        if self.panel is not None:
            given["panel"] = self.panel.given()
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
    in_file = _IN_FILE_BY_ARMS if _names_arms(content) else _IN_FILE
    faults = [
        *_table_faults(content, in_file),
        *_plain_faults(content.get("analysis", {})),
    ]
    values = {}
    for name, path in in_file.items():
        table = content.get(path[0])
        if len(path) == 1 and table is not None:
            values[name] = table
        elif isinstance(table, dict) and path[-1] in table:
            values[name] = table[path[-1]]
    values |= _of_arms(values.get("layout"))
    if faults:
        found = checking.faults_of(Protocol, values)
        faults += [
            checking.Fault(path_in_file(fault.path), fault.why) for fault in found
        ]
        raise source.error(dict.fromkeys(faults))
    return checking.check(Protocol, values, source, path_in_file)


def path_in_file(path: checking.Path_) -> checking.Path_:
    """Return where in study.toml the field of a protocol is."""
    if not path:
        return path
    name = str(path[0])
    return (*(_DESIGN if name == "layout" else _IN_FILE[name]), *path[1:])


def check_names(protocol: Protocol, source: checking.Source) -> None:
    """Check that names survive a table: one line, no blanks around, no control signs.

    Raises:
        FormatError: If one does not.
    """
    named: dict[checking.Path_, str] = {("title",): protocol.title}
    if protocol.layout is None:
        named |= {("reference",): protocol.reference, ("test",): protocol.test}
    else:
        arms = enumerate(protocol.layout.arms)
        named |= {("layout", "arms", place): name for place, name in arms}
    faults = [
        checking.Fault(
            path_in_file(path),
            f"must be one line without blanks around it, got {checking.clipped(value)}",
        )
        for path, value in named.items()
        if value != value.strip() or not value.isprintable()
    ]
    if faults:
        raise source.error(faults)


def _names_arms(content: Mapping[str, Any]) -> bool:
    table = content.get("design")
    return isinstance(table, dict) and "arms" in table


def _of_arms(table: object) -> dict[str, Any]:
    """Return the settings of two trials that follow from a table with arms."""
    arms = table.get("arms") if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(arms, list):
        return {}
    names, sessions = [a for a in arms if isinstance(a, str)], table.get("sessions", 1)
    found: dict[str, Any] = {"test": names[1] if len(names) > 1 else ""}
    if names:
        found["reference"] = names[0]
    if isinstance(sessions, int) and sessions > 0:
        found["n_trials"] = sessions
    return found


def _table_faults(
    content: Mapping[str, Any], in_file: Mapping[str, tuple[str, ...]]
) -> list[checking.Fault]:
    tables: dict[str, list[str]] = {}
    for path in in_file.values():
        tables.setdefault(path[0], []).extend(path[1:])
    faults = []
    for table, values in content.items():
        known = tables.get(table)
        if known is None:
            why = f"is unknown; known are {', '.join(tables)}"
            if table == "methods":
                why = "must be left out where design.arms names the methods"
            faults.append(checking.Fault((table,), why))
        elif not isinstance(values, dict):
            faults.append(
                checking.Fault(
                    (table,), f"must be a table, got {checking.clipped(values)}"
                )
            )
        elif known:
            why = f"is unknown; known are {', '.join(known)}"
            if table == "design":
                why += "; others go with design.arms"
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
