"""responses.csv of a study that does not compare two methods: one arm, or several."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reader_study.formats import responses
from reader_study.formats.questionnaire import Questionnaire


@dataclass(frozen=True)
class Arms:
    """All readings of a study, by method; an arm is what was read under one.

    Attributes:
        found: First readings and repeats.
        questionnaire: What was asked.
        methods: Methods in the order of their first reading.
        notes: What is no fault but should be known.
    """

    found: responses.Parsed
    questionnaire: Questionnaire
    methods: tuple[str, ...]
    notes: Sequence[str] = ()

    @property
    def readings(self) -> Sequence[responses.Reading]:
        """The first reading of each reader, case and method."""
        return self.found.first

    @property
    def repeats(self) -> Sequence[responses.Reading]:
        """Second and later readings, in the order in which they were made."""
        return self.found.repeats

    @property
    def readers(self) -> list[str]:
        """Readers in the order of their first reading."""
        return list(dict.fromkeys(reading.reader for reading in self.readings))

    @property
    def cases(self) -> list[str]:
        """Cases in the order of their first reading."""
        return list(dict.fromkeys(reading.case for reading in self.readings))

    @property
    def assumed(self) -> Sequence[str]:
        """How the file was understood where that is not plain."""
        return self.found.assumed

    @property
    def simulated(self) -> bool:
        """Some readings are a rehearsal's."""
        return "simulated" in self.found.flags

    @property
    def reconstructed(self) -> bool:
        """Some readings were reconstructed from published tables."""
        return "reconstructed" in self.found.flags

    def compared(self, reference: str, test: str) -> responses.Responses:
        """Return two of the methods; readings under others are left out, with a note.

        Raises:
            FormatError: If both are the same.
        """
        return responses.compared(
            self.found, self.questionnaire, reference=reference, test=test
        )

    def __repr__(self) -> str:
        """Return a summary, not the readings."""
        return (
            f"Arms({len(self.readings)} readings, {len(self.repeats)} repeats, "
            f"{len(self.readers)} readers, {len(self.cases)} cases, "
            f"{', '.join(self.methods)})"
        )


def read_arms(
    path: str | Path, questionnaire: Questionnaire, known: Sequence[str] = ()
) -> Arms:
    """Read responses.csv with whatever methods it holds and check every line of it.

    Args:
        path: The file; without column `method` all readings are of one.
        questionnaire: What was asked.
        known: Methods that the file may spell in another way.

    Raises:
        FormatError: As `read_responses`, but for methods, of which any will do.
    """
    found = responses.parsed(path, questionnaire, known=known)
    methods = tuple(dict.fromkeys(reading.method for reading in found.first))
    notes = sorted(responses.missing_reasons(found.first, questionnaire))
    return Arms(
        found,
        questionnaire,
        methods,
        [f"line {line}: {note}" for line, note in notes],
    )
