# ruff: noqa: E501 - a table of messages
import re

import pytest

from reader_study.formats.checking import FormatError
from reader_study.formats.design import StudyDesign, parse_table, table_of
from reader_study.formats.protocol import Protocol, parse_protocol, template

START = """[study]
title = "T"
[readers]
number = 3
[design]
arms = ["real", "GAN", "diffusion"]
"""


def test_a_design_by_arms_is_a_protocol_like_any_other():
    protocol = parse_protocol(
        START + "sessions = 2\nwashout_days = [7]\n", "study.toml"
    )

    assert protocol.methods == ("real", "GAN", "diffusion")
    assert (protocol.reference, protocol.test, protocol.n_trials) == ("real", "GAN", 2)
    assert (protocol.washout_before(1), protocol.washout_before(2)) == (28, 7)
    assert protocol.n_cases == 0  # all
    plain = parse_protocol(START + "sessions = 2\n", "study.toml")
    assert (plain.washout_before(2), plain.sha256 != protocol.sha256) == (28, True)


def test_a_hash_covers_only_what_differs_from_its_default():
    spelled_out = START + 'pairing = "paired"\nsessions = 1\nmax_run = 0\nstrata = []\n'
    assert parse_protocol(START, "a").sha256 == parse_protocol(spelled_out, "b").sha256


def test_several_pictures_at_once_are_not_asked_for_trial_by_trial():
    layout = StudyDesign(arms=("real", "GAN"), display="choice", sessions=2)
    with pytest.raises(FormatError, match="closing must be false where several pict"):
        Protocol(title="T", layout=layout, closing=True)
    with pytest.raises(FormatError, match="must not be 'none' nor hold"):
        StudyDesign(arms=("real", "a|b"), display="choice")


def test_two_trials_are_a_design_of_two_arms():
    protocol = parse_protocol(template(), "study.toml")

    assert protocol.layout is None
    assert protocol.design == StudyDesign(
        arms=("RAPID", "MAGIC"),
        sessions=2,
        strata=("severity",),
        max_run=3,
        min_distance=3,
    )
    assert (protocol.methods, protocol.washout_before(2)) == (("RAPID", "MAGIC"), 28)


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ('pairing = "half"', "line 7: design.pairing must be paired, partly paired or unpaired"),
        ('display = "two"', "line 7: design.display must be one picture, side by side, choice, ranking or aided"),
        ('pictures = 2', "line 7: design.pictures must be left out with 'one picture', got 2"),
        ('display = "side by side"\npictures = 3', "line 8: design.pictures must be 2 with display 'side by side' and 3 arms, got 3"),
        ('display = "ranking"\npictures = 4', "line 8: design.pictures must be 2 to 3 with display 'ranking' and 3 arms, got 4"),
        ('display = "choice"\npictures = 1', "line 8: design.pictures must be 2 to 3 with display 'choice' and 3 arms, got 1"),
        ('display = "choice"\nmax_run = 2', "line 8: design.max_run must be 0 where every display shows the same arms, got 2"),
        ('display = "choice"\npairing = "unpaired"', "line 8: design.pairing must be 'paired' or 'partly paired', for the pictures shown at once are of one case"),
        ('display = "ranking"\nallocation = "table"\ntable = "t.csv"', "line 8: design.allocation must not be 'table' with display 'ranking'"),
        ('display = "aided"', "line 6: design.arms must be two, without and with the aid, with display 'aided', got 3"),
        ('display = "choice"\n[reading]\nviewer = "stack"', "line 9: reading.viewer must be 'montage' where several pictures are shown at once, got 'stack'"),
        ('display = "choice"\n[training]\ncases = "t.csv"', "line 9: training.cases must be left out where several pictures are shown at once"),
        ("sesions = 2", "line 7: design.sesions is unknown; known are arms, pairing"),
        ("sessions = 0", "line 7: design.sessions must be 1 or more, got 0"),
        ("sessions = 21", "line 7: design.sessions must be 20 or less, got 21"),
        ("sessions = 3\nwashout_days = [7]", "line 8: design.washout_days must be a number for each pause between sessions, 2, got 1"),
        ('spread = "by case"', "line 7: design.spread must be left out with one session"),
        ("min_distance = 2", "line 7: design.min_distance must be 0 with one session, where min_gap"),
        ('sessions = 3\nspread = "by method"', "line 8: design.spread must not confound the method with the session"),
        ('sessions = 2\nspread = "by method"\naccept_confounding = ["session"]', "line 7: design.sessions must be as many as arms"),
        ('accept_confounding = ["cases"]', "line 7: design.accept_confounding[0] must be session, reader group or position"),
        ("groups = 2", "line 7: design.groups must be left out unless allocation is 'split-plot'"),
        ("cases_per_reader = 2", "line 7: design.cases_per_reader must be left out unless allocation is 'subsets'"),
        ('allocation = "split-plot"', "design.groups must be 2 or more with allocation 'split-plot', got 1"),
        ('allocation = "split-plot"\ngroups = 4', "line 8: design.groups must be 3 at most, the number of readers, got 4"),
        ('allocation = "subsets"', "design.cases_per_reader must be 1 or more with allocation"),
        ('allocation = "subsets"\ncases_per_reader = 2\norder = "shared"', "line 9: design.order must be 'per_reader' with allocation"),
        ('allocation = "table"', "design.table must name a file with allocation 'table'"),
        ('allocation = "table"\ntable = "t.csv"\nrepeat = 2', "line 9: design.repeat must be left out with allocation 'table'"),
        ("repeat = 2", "design.min_gap must be 1 or more where a picture is read twice"),
        ('strata = ["site", "site"]', "line 7: design.strata must name each column once"),
        ('strata = ["reader"]', "line 7: design.strata must be columns about the case, got 'reader'"),
        ('[methods]\nreference = "x"', "line 7: methods must be left out where design.arms names the methods"),
        ("[cases]\nmild = 3", "line 7: cases must be left out, to read all cases, or design.strata must name"),
        ('strata = ["severity"]\nrepeat = 9\nmin_gap = 1\n[cases]\nmild = 3', "line 8: design.repeat must be 3 at most, the number of cases, got 9"),
        ('strata = ["severity"]\n[cases]\nmild = 0', "line 8: cases must be one or more cases in all, got 0"),
        ('pairing = "unpaired"\n[cases]\nmild = 3', "line 9: cases.mild must be an arm of an unpaired design, real, GAN, diffusion"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named_by_key_and_line(added, message):
    with pytest.raises(FormatError, match=re.escape(message)):
        parse_protocol(START + added, "study.toml")


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ("[]", "design.arms must be 1 or more entries, got []"),
        ('"real"', "design.arms must be a list, got 'real'"),
        ('["a", "A"]', "design.arms must differ from one another, got 'a' twice"),
        ('["Images"]', "design.arms must not be words of every study's files"),
        ('["a", 1]', "design.arms[1] must be a text, got 1"),
        ('["a"]\npairing = "unpaired"', "design.pairing must be left out with one arm"),
        ('["a"]\nmax_run = 2', "design.max_run must be 0 with one arm, got 2"),
        (str([str(n) for n in range(9)]), "design.arms"),
    ],
)
def test_arms_that_cannot_be_are_named(arms, message):
    text = START.replace('["real", "GAN", "diffusion"]', arms)
    with pytest.raises(FormatError, match=re.escape(message)):
        parse_protocol(text, "study.toml")


def test_closing_questions_compare_two_sessions():
    text = START.replace("number = 3", "number = 3\nclosing = true")
    with pytest.raises(FormatError, match=r"readers\.closing must be false unless"):
        parse_protocol(text, "study.toml")
    assert parse_protocol(text + "sessions = 2", "study.toml").closing


def test_a_study_of_two_trials_has_no_more():
    with pytest.raises(FormatError, match="n_trials must be 2, got 3"):
        Protocol(title="T", per_severity={"a": 2}, n_trials=3)


TABLE = """reader,session,position,case,method
r1,1,2,b,GAN
r1,1,1,a,real
r2,1,1,b,real
"""


def test_a_table_is_read_by_reader_session_and_position():
    rows = parse_table(TABLE, "design.csv")

    assert [row[:5] for row in rows] == [
        ("r1", 1, 1, "a", "real"),
        ("r1", 1, 2, "b", "GAN"),
        ("r2", 1, 1, "b", "real"),
    ]
    assert [row[:5] for row in table_of(row.content for row in rows)] == [
        row[:5] for row in rows
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("position", "place", "design.csv line 1: column position is missing"),
        ("r1,1,2", "r1,one,2", "design.csv line 2: session must be a whole number of 1 or"),
        ("r1,1,2", "r1,1,3", "design.csv line 2: positions of session 1 of r1 must be 1 to 2, got none at 2"),
        ("r1,1,2", "r1,1,1", "line 3: position must be there once in session 1 of r1, got 1 again"),
        ("b,GAN", ",GAN", "design.csv line 2: case must be one line and not empty"),
        (TABLE[36:], "", "design.csv must have one or more rows, got none"),
    ],
)  # fmt: skip
def test_a_wrong_row_of_a_table_is_named_with_its_line(old, new, message):
    with pytest.raises(FormatError, match=re.escape(message)):
        parse_table(TABLE.replace(old, new), "design.csv")
