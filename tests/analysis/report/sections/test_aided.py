"""What an aid changed is counted by reader, and held against the truth."""

import csv
import json

import pytest

import analysis

# reader, case, truth, without the aid, with it
READ = [
    ("Ann", "c1", "present", 2, 5),  # wrong, then right
    ("Ann", "c2", "absent", 5, 2),  # wrong, then right
    ("Ann", "c3", "present", 5, 6),  # right, and surer
    ("Ann", "c4", "absent", 1, 1),
    ("Ben", "c1", "present", 5, 5),
    ("Ben", "c2", "absent", 2, 5),  # right, then wrong
    ("Ben", "c3", "present", 2, 4),  # wrong, then right
    ("Ben", "c4", "absent", 2, 1),
]


@pytest.fixture
def study_of(tmp_path):
    def write(**planned):
        scale = [{"code": code} for code in range(1, 7)]
        asked = {"schema": 2, "title": "T", "version": "1",
                 "questions": [{"id": "Q1", "scale": scale}]}  # fmt: skip
        (tmp_path / "questionnaire.json").write_text(json.dumps(asked))
        plan = {"schema": 1, "reference": "unaided", "test": "aided",
                "display": "aided", "analysis": {"ordinal_questions": ["Q1"],
                "acceptability_questions": [], **planned}}  # fmt: skip
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        with (tmp_path / "responses.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["reader", "case", "method", "truth", "Q1"])
            for reader, case, truth, without, with_aid in READ:
                writer.writerow([reader, case, "unaided", truth, without])
                writer.writerow([reader, case, "aided", truth, with_aid])
        return analysis.read_study(tmp_path / "responses.csv")

    return write


def section_of(study):
    return {one.id: one for one in study.results.sections}.get("aided")


def test_changes_are_counted_and_held_against_the_truth(study_of):
    rated = {"rating": "Q1", "threshold": 4, "truth_positive": ["present"]}
    section = section_of(study_of(**rated))

    steps, calls = section.content["Q1, steps"], section.content["calls right"]
    assert (steps["n"], steps["up"], steps["down"]) == (8, 4, 2)
    assert steps["mean"]["estimate"] == (3 - 3 + 1 + 0 + 0 + 3 + 2 - 1) / 8
    assert (calls["up"], calls["down"]) == (3, 1)
    assert [of["mean"]["estimate"] for of in calls["by_reader"]] == [0.5, 0.0]
    assert calls["mean"]["variance"] == "crossed"
    table = section.tables[1].frame
    assert table["Reader"].tolist() == ["All", "Ann", "Ben"]
    assert table["Better"].tolist() == ["3", "2", "1"]
    assert table["Worse"].tolist() == ["1", "0", "1"]
    assert "3 for the better and 1 for the worse" in section.findings[1]


def test_without_a_truth_nothing_is_better_or_worse(study_of):
    section = section_of(study_of())

    assert list(section.content) == ["Q1, steps"]
    assert "nothing says whether changes were right" in section.findings[1]
    assert section_of(study_of(notes={})) is not None
