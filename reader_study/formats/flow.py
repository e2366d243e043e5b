"""flow.json: how far readings came, and what the study itself says to GRRAS."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from reader_study.formats import checking

FILE_NAME = "flow.json"
STEPS = ("assigned", "opened", "submitted", "declined", "corrected", "analysed")


@checking.record(kw_only=True)
class TrialFlow:
    """How many readings of a reader's trial came how far."""

    reader: checking.Text = ""
    trial: checking.Count = 0
    assigned: checking.Count = 0
    opened: checking.Count = 0
    submitted: checking.Count = 0
    declined: checking.Count = 0
    corrected: checking.Count = 0
    analysed: checking.Count = 0
    signed_at: checking.Text = ""


@checking.record(kw_only=True)
class FlowReader:
    """A reader, as flow.json tells of readers."""

    name: checking.Text = ""
    slot: checking.Text = ""
    specialty: checking.Text = ""
    years: checking.Number = 0.0
    added_at: checking.Text = ""
    status: checking.Text = "active"
    reason: checking.Text = ""
    replaces: checking.Text = ""
    simulated: checking.YesNo = False
    interval_days: checking.Number | None = None
    """Days between the ends of the first trial and of the last."""


@checking.record(kw_only=True)
class FlowDeviation:
    """Something that went otherwise than the protocol says."""

    kind: checking.Text = ""
    reader: checking.Text = ""
    trial: checking.Count = 0
    reason: checking.Text = ""
    recorded_by: checking.Text = ""
    approved_by: checking.Text = ""
    recorded_at: checking.Text = ""


@checking.record(kw_only=True)
class ProgramAt:
    """Which version of the program brought a study to a milestone."""

    milestone: checking.Text
    program: checking.Text
    recorded_at: checking.Text = ""


def programs_in_words(programs: Sequence[ProgramAt]) -> str:
    """Return one sentence on versions, and one for each change of them.

    The program is not named: its name holds that of a method.
    """
    if not programs:
        return ""
    listed = ", ".join(f"{at.milestone} with {at.program}" for at in programs)
    changed = [
        f"Between {before.milestone} and {after.milestone} the program changed from "
        f"{before.program} to {after.program}."
        for before, after in pairwise(programs)
        if before.program != after.program
    ]
    return " ".join([f"Versions of the program: {listed}.", *changed])


@checking.record(kw_only=True)
class StudyFlow:
    """The content of flow.json; empty where there is none.

    Attributes:
        title: Title of the study.
        phase: How far the study as a whole has come.
        simulated: Whether bots have read.
        readings: Counts by reader and trial.
        readers: All who were added.
        closing_missing: Readers who have not answered the closing questions.
        deviations: What went otherwise than planned, None where not known.
        grras: Items that the study filled in, by number.
        programs: Versions of the program by milestone; empty of earlier studies.
    """

    title: checking.Text = ""
    phase: checking.Text = ""
    simulated: checking.YesNo = False
    readings: tuple[TrialFlow, ...] = ()
    readers: tuple[FlowReader, ...] = ()
    closing_missing: tuple[checking.Text, ...] = ()
    deviations: tuple[FlowDeviation, ...] | None = None
    grras: Mapping[int, checking.Text] = field(default_factory=dict)
    programs: tuple[ProgramAt, ...] = ()

    @cached_property
    def counts(self) -> dict[str, dict[str, int]]:
        """Readings by trial, then by step of `STEPS`."""
        counts: dict[str, dict[str, int]] = {}
        for of in self.readings:
            trial = counts.setdefault(str(of.trial), dict.fromkeys(STEPS, 0))
            for step in STEPS:
                trial[step] += getattr(of, step)
        return dict(sorted(counts.items()))

    @property
    def n_deviations(self) -> int | None:
        """Number of deviations, None where not known."""
        return None if self.deviations is None else len(self.deviations)

    @property
    def interval_days(self) -> tuple[float, float] | None:
        """Least and most days between a reader's two trials, None where not known."""
        days = [r.interval_days for r in self.readers if r.interval_days is not None]
        return (min(days), max(days)) if days else None

    def to_dict(self) -> dict[str, Any]:
        """Return the content of flow.json."""
        content = asdict(self)
        content["grras"] = {str(number): text for number, text in self.grras.items()}
        if not self.programs:  # as before they were told
            del content["programs"]
        return {"schema": 1, **content}

    def to_json(self) -> str:
        """Return the text of flow.json."""
        return checking.json_text(self.to_dict())


def read_flow(path: str | Path) -> StudyFlow:
    """Read flow.json; what it leaves out is not known.

    Raises:
        FormatError: If it cannot be read or used; all faults are named, with file and
            line.
    """
    source = checking.read_json(path)
    content = checking.require_object(source)
    given = {name: value for name, value in content.items() if name != "schema"}
    return checking.check(StudyFlow, given, source)


def flow_beside(responses: str | Path) -> StudyFlow:
    """Return the flow in the folder of responses.csv, empty if there is none.

    Raises:
        FormatError: If there is one that cannot be used.
    """
    path = Path(responses).with_name(FILE_NAME)
    return read_flow(path) if path.exists() else StudyFlow()
