"""Readers' answers: responses.csv, and pairs of answers."""

from analysis.responses.pairing import PairedAnswers, pair_answers, paired_readings
from reader_study.formats.checking import FormatError as ResponsesError
from reader_study.formats.questionnaire import (
    Question,
    Questionnaire,
    read_questionnaire,
)
from reader_study.formats.responses import Reading, Responses, read_responses

__all__ = [
    "PairedAnswers",
    "Question",
    "Questionnaire",
    "Reading",
    "Responses",
    "ResponsesError",
    "pair_answers",
    "paired_readings",
    "read_questionnaire",
    "read_responses",
]
