import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magic_model.batch import (
    FAILED,
    FAILURES,
    Failure,
    Part,
    Task,
    run_tasks,
    survey,
    write_failures,
)
from magic_model.errors import DataError


class Cohort:
    """Patients whose work writes a file, or fails."""

    def __init__(self, out, names, failing=(), mark="1"):
        self.out, self.failing, self.mark, self.tried = out, set(failing), mark, []
        self.tasks = [self.task(name) for name in names]

    def task(self, name):
        done = self.out / name / "done"

        def work():
            self.tried.append(name)
            if name in self.failing:
                msg = f"{name} is\nodd"
                raise DataError(msg)
            if name == "bug":
                msg = "by zero"
                raise ZeroDivisionError(msg)
            done.parent.mkdir(parents=True, exist_ok=True)
            done.touch()

        return Task(name, lambda: self.mark, done.is_file, work)

    def run(self, part="", keep_going=True):
        run_tasks(Part.parse(part).take(self.tasks), self.out, keep_going=keep_going)
        return survey(self.tasks, self.out)


@given(st.integers(0, 50), st.integers(1, 9))
def test_parts_are_all_items_once(n_items, n_parts):
    items = list(range(n_items))
    parts = [Part(number, n_parts).take(items) for number in range(1, n_parts + 1)]
    assert sorted(item for part in parts for item in part) == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("text", ["2", "3/2", "0/2", "1/0", "a/b", "-1/2", "1/2/3"])
def test_other_parts_are_refused(text):
    with pytest.raises(DataError, match="A part must be"):
        Part.parse(text)


def test_failures_are_noted_and_tried_again(tmp_path):
    cohort = Cohort(tmp_path, ["a", "b", "bug"], failing=["b"])
    outcome = cohort.run()
    assert outcome.failures == (
        Failure("b", "b is odd"),
        Failure("bug", "ZeroDivisionError: by zero"),
    )
    assert outcome.pending == ()
    write_failures(outcome.failures, tmp_path)
    with (tmp_path / FAILURES).open() as file:
        assert list(csv.reader(file))[1] == ["b", "b is odd"]
    said = outcome.describe(tmp_path)
    assert said.startswith("2 patients failed:\n  b: b is odd\n")
    mended = Cohort(tmp_path, ["a", "b"])
    outcome = mended.run()
    assert mended.tried == ["b"]
    assert not (tmp_path / "b" / FAILED).exists()
    write_failures(outcome.failures, tmp_path)
    assert not (tmp_path / FAILURES).exists()
    assert outcome.describe(tmp_path) == ""


def test_without_keep_going_the_first_failure_ends_it(tmp_path):
    cohort = Cohort(tmp_path, ["a", "b", "c"], failing=["b"])
    with pytest.raises(DataError, match="b is"):
        cohort.run(keep_going=False)
    assert cohort.tried == ["a", "b"]
    assert survey(cohort.tasks, tmp_path).pending == ("b", "c")


def test_parts_leave_the_rest_to_others(tmp_path):
    cohort = Cohort(tmp_path, "abcde", failing=["d"])
    outcome = cohort.run("2/2")
    assert cohort.tried == ["b", "d"]
    assert outcome.pending == ("a", "c", "e")
    assert "3 patients of other parts to come" in outcome.describe(tmp_path)
    outcome = cohort.run("1/2")
    assert [failure.name for failure in outcome.failures] == ["d"]
    assert outcome.pending == ()


def test_a_failure_of_another_input_does_not_count(tmp_path):
    Cohort(tmp_path, "a", failing="a").run()
    other = Cohort(tmp_path, "a", mark="2")
    assert survey(other.tasks, tmp_path).pending == ("a",)


def test_what_was_made_by_hand_is_no_failure_any_more(tmp_path):
    cohort = Cohort(tmp_path, "a", failing="a")
    cohort.run()
    (tmp_path / "a" / "done").touch()
    cohort.run()
    assert not (tmp_path / "a" / FAILED).exists()
    (tmp_path / "a" / FAILED).write_text("half")
    (tmp_path / "a" / "done").unlink()
    assert survey(cohort.tasks, tmp_path).pending == ("a",)


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / FAILURES).mkdir()
    with pytest.raises(DataError, match=r"failures\.csv: cannot be written"):
        write_failures([Failure("a", "odd")], tmp_path)
