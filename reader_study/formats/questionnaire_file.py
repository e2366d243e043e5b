"""Questionnaires as files: the paper's, and a study's own."""

import json
from importlib.resources import files
from pathlib import Path

from reader_study.errors import StudyError
from reader_study.formats.questionnaire import Questionnaire

PAPER = "paper"
"""The name under which a protocol asks for the questionnaire of Figure S.3."""


def paper_questionnaire() -> Questionnaire:
    """Give the questionnaire of Figure S.3 of the paper."""
    text = (
        files("reader_study").joinpath("questionnaires/paper.json").read_text("utf-8")
    )
    return Questionnaire.from_dict(json.loads(text))


def read_questionnaire(path: Path) -> Questionnaire:
    """Read and check a questionnaire.

    Raises:
        StudyError: If it cannot be read or used; the file is named.
    """
    content = read_json(path)
    try:
        return Questionnaire.from_dict(content)
    except StudyError as error:
        msg = f"{path}: {error}"
        raise StudyError(msg) from error


def read_json(path: Path) -> object:
    """Read a JSON file.

    Raises:
        StudyError: If it cannot be read or is not JSON; the file is named.
    """
    try:
        content: object = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise StudyError(msg) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        msg = f"{path}: not a JSON file ({error})"
        raise StudyError(msg) from error
    return content
