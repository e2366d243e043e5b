"""Marks beside lesions: which are hits, and the LROC and FROC areas of them."""

import csv
import itertools
import json

import numpy as np
import pytest

from analysis.accuracy import froc_area, lroc_area
from analysis.cli import main
from analysis.errors import InputError
from analysis.responses.marks import Lesion, read_lesions, read_marks
from reader_study.building.builder import build_study
from reader_study.cli import main as study_main
from reader_study.formats.asking.marks import Mark, marks_text, rows_of, text_of
from reader_study.formats.checking import FormatError
from reader_study.formats.protocol import template
from reader_study.rehearsal.bots import MARKED as WHERE_BOTS_MARK
from tests.reader_study.every_type import MARKED
from tests.reader_study.material import PASSPHRASE, request, write_cases

LESIONS = """case,lesion,x,y,radius,width,height,slice,last_slice
a,one,50,60,8,,,,
a,two,100,100,,20,10,,
b,one,50,60,8,,,2,4
calm,,,,,,,,
quiet,,,,,,,,
"""


def write(folder, answers, lesions=LESIONS):
    """marks.csv of answers by reader, case and method, and the file of lesions."""
    rows = []
    for (reader, case, method), marks in answers.items():
        about = {"reader": reader, "case": case, "method": method, "trial": 1}
        rows += rows_of(about, "site", text_of(marks))
    (folder / "marks.csv").write_text(marks_text(rows))
    (folder / "lesions.csv").write_text(lesions)
    return folder / "marks.csv", folder / "lesions.csv"


@pytest.mark.parametrize(
    ("lesion", "hits", "misses"),
    [
        (Lesion("a", "1", 50, 60, 5.0), [(50, 65), (53, 64)], [(54, 64), (50, 65.1)]),
        (
            Lesion("a", "1", 10, 10, None, 5, 2),
            [(10, 10), (15, 12)],
            [(9.9, 11), (12, 13)],
        ),
    ],
)
def test_a_hit_lies_in_the_circle_or_box_and_its_edge_counts(lesion, hits, misses):
    assert all(lesion.holds(at, None) for at in hits)
    assert not any(lesion.holds(at, None) for at in misses)


def test_in_a_stack_the_slice_counts_too():
    lesion = Lesion("a", "1", 50, 60, 5.0, slices=(2, 4))
    on = [n for n in (None, 1, 2, 4, 5) if lesion.holds((50, 60), n)]
    assert on == [2, 4]


def test_each_lesion_and_each_false_mark_has_its_row(tmp_path):
    answers = {
        ("ann", "a", "new"): [
            Mark(51, 61, confidence=2), Mark(52, 62, confidence=4),
            Mark(5, 5, confidence=5), Mark(97, 98, 10, 8, confidence=1),
        ],
        ("ann", "b", "new"): [Mark(50, 60, slice=5, confidence=3)],
        ("ann", "calm", "new"): [Mark(1, 1, confidence=2), Mark(2, 2, confidence=3)],
        ("ann", "quiet", "new"): [],
    }  # fmt: skip
    read = read_marks(*write(tmp_path, answers))
    rows = list(
        zip(*(read.marks[name] for name in ("case", "lesion", "rating")), strict=True)
    )

    assert rows == [
        ("a", "one", 4), ("a", "two", 1), ("b", "one", None),
        ("calm", "", 2), ("calm", "", 3), ("quiet", "", None),
    ]  # fmt: skip
    columns = (read.columns[name] for name in ("case", "truth", "rating", "located"))
    assert list(zip(*columns, strict=True)) == [
        ("a", 1, 5, 0), ("b", 1, 3, 0), ("calm", 0, 3, 0), ("quiet", 0, 0, 0),
    ]  # fmt: skip
    assert read.assumed == ("3 of 7 marks lie in a lesion's circle or box",)


def drawn(rng):
    answers = {}
    cases = [("a", True), ("b", True), ("calm", False), ("quiet", False)]
    for reader, (case, sick), method in itertools.product("xyz", cases, ("new", "old")):
        marks = []
        if sick and rng.random() < 0.8:
            marks.append(Mark(50, 61, slice=3, confidence=int(rng.integers(2, 6))))
        if rng.random() < 0.6:
            marks.append(Mark(5, 5, slice=3, confidence=int(rng.integers(1, 4))))
        answers[reader, case, method] = marks
    return answers


def test_areas_are_those_counted_by_hand(tmp_path):
    answers = drawn(np.random.default_rng(3))
    read = read_marks(*write(tmp_path, answers))
    froc, lroc = froc_area(read.marks), lroc_area(read.columns)
    lesions = {"a": ("one", "two"), "b": ("one",)}
    for reader, method in itertools.product("xyz", ("new", "old")):
        highest = {
            case: max((m.confidence for m in answers[reader, case, method]), default=0)
            for case in ("a", "b", "calm", "quiet")
        }
        wins = total = 0.0
        for case, names in lesions.items():
            hits = [m.confidence for m in answers[reader, case, method] if m.x == 50]
            for name, calm in itertools.product(names, ("calm", "quiet")):
                sure = max(hits, default=0) if name == "one" else 0
                wins += (sure > highest[calm]) + 0.5 * (sure == highest[calm])
                total += 1
        of = froc.per_reader
        cell = of[(of["reader"] == reader) & (of["modality"] == method)]
        assert cell["estimate"].item() == pytest.approx(wins / total)
        right = [
            (highest[case] > highest[calm]) + 0.5 * (highest[case] == highest[calm])
            if any(m.x == 50 and m.confidence == highest[case]
                   for m in answers[reader, case, method]) else 0.0
            for case, calm in itertools.product(("a", "b"), ("calm", "quiet"))
        ]  # fmt: skip
        of = lroc.per_reader
        cell = of[(of["reader"] == reader) & (of["modality"] == method)]
        assert cell["estimate"].item() == pytest.approx(np.mean(right))


@pytest.mark.parametrize(
    ("lesions", "message"),
    [
        ("case,lesion,x\na,one,3\n", "line 1: column y is missing"),
        ("case,lesion,x,y\na,one,3,4\n", "line 2: a lesion must have a radius above 0"),
        (
            "case,lesion,x,y,radius\na,one,3,4,-1\n",
            "line 2: a lesion must have a radiu",
        ),
        ("case,lesion,x,y,radius\na,,3,4,1\n", "lesion of case a must have a name"),
        (
            "case,lesion,x,y,radius\na,one,x,4,1\n",
            "line 2: x must be a number or empty",
        ),
        ("case,lesion,x,y,radius\n,one,3,4,1\n", "line 2: case is empty"),
        ("case,lesion,x,y,radius,last_slice\na,one,3,4,1,2\n", "slice must be given"),
        ("case,lesion,x,y\n", "has a header but no cases"),
    ],
)
def test_what_is_wrong_with_lesions_is_said(tmp_path, lesions, message):
    (tmp_path / "lesions.csv").write_text(lesions)
    with pytest.raises(FormatError, match=message):
        read_lesions(tmp_path / "lesions.csv")


def test_what_is_wrong_with_marks_is_said(tmp_path):
    marks, lesions = write(tmp_path, {("ann", "a", "new"): [Mark(1, 1)]})
    with pytest.raises(FormatError, match="line 2: a mark must have a confidence"):
        read_marks(marks, lesions)
    with pytest.raises(
        FormatError, match="question must be one of those with marks, site"
    ):
        read_marks(marks, lesions, question="other")
    marks, lesions = write(tmp_path, {("ann", "z", "new"): []})
    with pytest.raises(FormatError, match="every case of the marks must have a row"):
        read_marks(marks, lesions)


def test_marks_of_one_label_alone(tmp_path):
    answers = drawn(np.random.default_rng(3))
    answers["x", "calm", "new"] = [Mark(1, 1, label="core", confidence=9)]
    read = read_marks(*write(tmp_path, answers), label="core")
    assert [r for r in read.marks["rating"] if r is not None] == [9]
    with pytest.raises(FormatError, match="label must be that of some mark, got rim"):
        read_marks(*write(tmp_path, answers), label="rim")


@pytest.mark.slow
def test_the_command_says_what_marks_need(tmp_path, capsys):
    marks, lesions = write(tmp_path, drawn(np.random.default_rng(3)))
    for options, message in (
        (["--metric", "froc_area"], "--metric froc_area needs --lesions"),
        (["--label", "core"], "--label needs --lesions"),
        (["--metric", "lroc_area", "--lesions", str(lesions), "--threshold", "2"],
         "--metric lroc_area has neither --method nor --threshold, got --threshold"),
    ):  # fmt: skip
        assert main(["accuracy", str(marks), *options]) == 2
        assert message in capsys.readouterr().err


@pytest.fixture
def rehearsed(tmp_path, monkeypatch, capsys):
    """A study of 20 cases, read by three bots who mark, unblinded."""
    (tmp_path / "own.json").write_text(json.dumps(MARKED))
    text = template().replace('"paper"', '"own.json"').split("[analysis]")[0]
    write_cases(tmp_path)
    build_study(request(tmp_path, text.replace("number = 7", "number = 3"), jobs=1))
    monkeypatch.setenv("MAGIC_STUDY_PASSPHRASE", PASSPHRASE)
    study, out = str(tmp_path / "STUDY"), tmp_path / "result"
    key = ["--key", str(tmp_path / "KEY")]
    names = ["--name", "Eve", "--name", "Max", "--reason", "end"]
    for command in (
        ["simulate", study, *key, "--missing", "0"],
        ["lock", study, "--by", "Eve"],
        ["unblind", study, *key, *names, "--out", str(out)],
    ):
        assert study_main(command) == 0, capsys.readouterr().err
    return out


def rows_in(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_from_a_rehearsal_to_the_areas(rehearsed, tmp_path, capsys):
    rows = [r for r in rows_in(rehearsed / "marks.csv") if r["question"] == "site"]
    answers = [row["site"] for row in rows_in(rehearsed / "responses.csv")]
    assert len(rows) == len(answers) == 3 * 2 * 20
    assert sum(r["mark"] == "1" for r in rows) == sum(a != "[]" for a in answers) > 0
    assert {row["method"] for row in rows} == {"RAPID", "MAGIC"}

    x, y = WHERE_BOTS_MARK
    cases = sorted({row["case"] for row in rows})
    sick = [f"{case},1,{x},{y},3" for case in cases[:9]]
    lines = ["case,lesion,x,y,radius", *sick, *(f"{case},,,," for case in cases[9:])]
    (tmp_path / "lesions.csv").write_text("\n".join(lines))
    where = ["--question", "site", "--lesions", str(tmp_path / "lesions.csv"), "--json"]
    capsys.readouterr()
    for metric in ("froc_area", "lroc_area"):
        command = ["accuracy", str(rehearsed / "marks.csv"), *where, "--metric", metric]
        assert main(command) == 0, capsys.readouterr().err
        found = json.loads(capsys.readouterr().out)
        assert found["provenance"] == "simulated"
        assert (found["n_diseased"], found["n_non_diseased"]) == (9, 11)
        # Bots mark the same place whether there is a lesion or not.
        assert 0.2 < found["of_modality"]["MAGIC"]["estimate"] < 0.8
    report = ["report", str(rehearsed / "responses.csv"), "--out", str(tmp_path / "r")]
    assert main(report) == 0, capsys.readouterr().err


def test_one_case_of_a_class_is_too_few_for_a_froc_area(tmp_path):
    lesions = "".join(LESIONS.splitlines(keepends=True)[:4]) + "calm,,,,,,,,\n"
    answers = {
        k: v for k, v in drawn(np.random.default_rng(3)).items() if k[1] != "quiet"
    }
    read = read_marks(*write(tmp_path, answers, lesions))
    with pytest.raises(InputError, match=r"needs two or more cases .* got 2 and 1"):
        froc_area(read.marks)
