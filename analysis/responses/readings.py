"""A reader's answers to one case, and all readings of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analysis.responses.questionnaire import Code, Questionnaire


@dataclass(frozen=True)
class Reading:
    """What one reader answered to one case under one method.

    Attributes:
        line: Line of responses.csv.
        answers: Code per question id; a question not answered is left out.
        reasons: Explanation per question id, where one was given.
        trial: 1 or 2, None where the file does not tell.
        position: Place in the order of presentation of the trial, from 1, or None.
        severity: Class of the case, or None.
    """

    line: int
    reader: str
    case: str
    method: str
    answers: Mapping[str, Code]
    reasons: Mapping[str, str] = field(default_factory=dict)
    trial: int | None = None
    position: int | None = None
    severity: str | None = None


@dataclass(frozen=True)
class Responses:
    """All readings of a study, checked.

    Attributes:
        notes: What is incomplete but no fault: readings without a partner, missing
            reasons; each with its line.
        simulated: Some readings are a rehearsal's.
        reconstructed: Some readings were reconstructed from published tables.
    """

    readings: Sequence[Reading]
    questionnaire: Questionnaire
    reference: str
    test: str
    notes: Sequence[str] = ()
    simulated: bool = False
    reconstructed: bool = False

    @property
    def readers(self) -> list[str]:
        """Readers in the order of their first reading."""
        return list(dict.fromkeys(reading.reader for reading in self.readings))
