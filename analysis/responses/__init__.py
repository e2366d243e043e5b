"""Readers' answers: the questionnaire, responses.csv, and pairs of answers."""

from analysis.responses.faults import ResponsesError
from analysis.responses.pairing import PairedAnswers, pair_answers
from analysis.responses.questionnaire import Question, Questionnaire, load_questionnaire
from analysis.responses.reading import read_responses
from analysis.responses.readings import Reading, Responses

__all__ = [
    "PairedAnswers",
    "Question",
    "Questionnaire",
    "Reading",
    "Responses",
    "ResponsesError",
    "load_questionnaire",
    "pair_answers",
    "read_responses",
]
