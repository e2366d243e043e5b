# ruff: noqa: E501 - a table of messages
import re

import pytest

from reader_study.errors import StudyError
from reader_study.formats.checking import line_of
from reader_study.formats.protocol import (
    Protocol,
    parse_protocol,
    read_protocol,
    template,
)
from reader_study.formats.sealed import sealed_content

MINIMAL = '[study]\ntitle = "T"\n[cases]\nsevere = 4\n'


def test_the_template_is_the_papers_number_of_cases_and_readers():
    protocol = parse_protocol(template(), "study.toml")

    # Paper 3.6: seven without infarction, six mild to moderate, seven severe;
    # 2.4.2: seven clinicians, two trials.
    assert protocol.per_severity == {"none": 7, "mild_moderate": 6, "severe": 7}
    assert (protocol.n_cases, protocol.n_readers, protocol.n_trials) == (20, 7, 2)
    assert (protocol.reference, protocol.test) == ("RAPID", "MAGIC")


def test_what_is_left_out_has_its_default():
    protocol = parse_protocol(MINIMAL, "study.toml")

    assert protocol == Protocol(title="T", per_severity={"severe": 4})


def test_layout_does_not_change_the_hash_and_content_does():
    one = parse_protocol(template(), "a")
    other = parse_protocol(template().replace("# Protocol", "# My protocol"), "b")
    changed = parse_protocol(template().replace("severe = 7", "severe = 6"), "c")

    assert one.sha256 == other.sha256
    assert one.sha256 != changed.sha256


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("severe = 7", "severe = ", "study.toml: Invalid value (at line"),
        ("max_run = 3", "max_runn = 3", "line 27: design.max_runn is unknown; known are"),
        ("[readers]", "[reader]", "line 31: reader is unknown; known are study"),
        ("max_run = 3", 'max_run = "3"', "line 27: design.max_run must be a whole number"),
        ("max_run = 3", "max_run = true", "design.max_run must be a whole number, got T"),
        ("max_run = 3", "max_run = -1", "line 27: design.max_run must be 0 or more"),
        ("severe = 7", "severe = 7.5", "line 17: cases.severe must be a whole number"),
        ("severe = 7", "severe = -7", "line 17: cases.severe must be 0 or more, got -7"),
        ("trials = 2", "trials = 3", "line 20: design.trials must be 2"),
        ('"balanced"', '"fair"', "line 21: design.allocation must be paper or balanced"),
        ('"balanced"', '"paper"', "line 27: design.max_run must be 0 with allocation pa"),
        ('"per_reader"', '"sorted"', "design.order must be shared or per_reader"),
        ("min_distance = 3", "min_distance = 11", "line 28: design.min_distance must be"),
        ("number = 7", "number = 0", "line 32: readers.number must be 1 or more, got 0"),
        ("washout_days = 28", "washout_days = -1", "line 34: readers.washout_days must"),
        ("washout_days = 28", "washout_days = nan", "readers.washout_days must be a finite number"),
        ("corrections = true", "corrections = 1", "readers.corrections must be true or"),
        ("roles = [", "roles = [1, ", "line 33: readers.roles[0] must be a text, got 1"),
        ('test = "MAGIC"', 'test = "rapid"', "line 12: methods.test must not be the ref"),
        ('test = "MAGIC"', 'test = " "', "methods.test must not be empty"),
        ("confidence_level = 0.95", "confidence_level = nan", "analysis.confidence_level"),
        ("confidence_level = 0.95", "when = [2026-01-01]", "line 50: analysis.when must"),
        ("title = ", "subtitle = ", "line 6: study.title must be given, got nothing"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named_with_its_line(old, new, message):
    assert old in template()

    with pytest.raises(StudyError, match=re.escape(message)):
        parse_protocol(template().replace(old, new, 1), "study.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('study = "x"', "line 1: study must be a table, got 'x'"),
        ("[study]\n[cases]\na = 2", "line 1: study.title must be given"),
        ('[study]\ntitle = "T"', "line 1: cases must be given, got nothing"),
        (MINIMAL.replace("4", "1"), "line 3: cases must be two or more cases in all"),
    ],
)
def test_a_wrong_table_is_named_with_its_line(text, message):
    with pytest.raises(StudyError, match=re.escape(message)):
        parse_protocol(text, "study.toml")


def test_an_analysis_plan_may_hold_tables_and_lists():
    text = MINIMAL + "[analysis.q3]\nweights = [1, 0.5]\n"

    assert parse_protocol(text, "x").analysis == {"q3": {"weights": [1, 0.5]}}


def test_lines_are_found_behind_texts_of_many_lines():
    text = 'a = """\n[b]\nc = 1\n"""\n[b]\n"c" . d = 2\n'

    assert line_of(text, ["b"]) == 5
    assert line_of(text, ["b", "c", "d"]) == 6
    assert line_of(text, ["nowhere"]) == 1


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "study.toml"
    with pytest.raises(StudyError, match=r"study\.toml: No such file"):
        read_protocol(path)
    path.write_bytes(b"\xff")
    with pytest.raises(StudyError, match="must be UTF-8"):
        read_protocol(path)


def test_hours_of_a_session_are_hashed_only_if_set():
    plain = Protocol(title="A study", per_severity={"none": 3})
    assert Protocol(title="A study", per_severity={"none": 3}, idle_hours=12) == plain
    other = Protocol(title="A study", per_severity={"none": 3}, idle_hours=1.5)
    assert other.sha256 != plain.sha256
    with pytest.raises(StudyError):
        Protocol(title="A study", per_severity={"none": 3}, idle_hours=0)


def test_places_in_reserve_are_hashed_and_sealed_only_if_there_are_any():
    plain = parse_protocol(template(), "study.toml")
    more = template().replace("[readers]", "[readers]\nreserve = 2", 1)
    found = parse_protocol(more, "study.toml")

    assert (plain.reserve, found.reserve, found.n_places) == (0, 2, 9)
    assert found.sha256 != plain.sha256
    assert "reserve" not in sealed_content(plain)["protocol"]
    assert sealed_content(found)["protocol"]["reserve"] == 2


def test_accepted_cues_are_known_ones_and_hashed_only_if_set():
    plain = parse_protocol(MINIMAL, "study.toml")
    text = f'{MINIMAL}[blinding]\naccepted_cues = ["colours used"]'
    given = parse_protocol(text, "study.toml")

    assert given.accepted_cues == ("colours used",)
    assert given.sha256 != plain.sha256
    assert (
        parse_protocol(text.replace('"colours used"', ""), "s").sha256 == plain.sha256
    )
    with pytest.raises(StudyError, match=r"blinding.accepted_cues.*margin"):
        parse_protocol(text.replace("colours", "colour"), "study.toml")
