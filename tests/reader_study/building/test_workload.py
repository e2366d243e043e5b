"""`magic-study plan`: readings and minutes of each reader, days, and power."""

import json

import pytest

from reader_study.building.workload import workload
from reader_study.cli import main
from reader_study.formats.checking import FormatError
from tests.reader_study.building.test_planning import write

TWO_SESSIONS = """sessions = 2
washout_days = [10]
[analysis]
turing_question = ""
acceptability_questions = []
ordinal_questions = []
"""


@pytest.fixture
def planned(pictures_of_two, monkeypatch):
    monkeypatch.chdir(pictures_of_two)
    write(pictures_of_two, design=TWO_SESSIONS)
    return pictures_of_two / "study.toml", pictures_of_two / "cases.csv"


@pytest.fixture
def pictures_of_two(tmp_path):
    for name in ("a1", "a2", "b1", "b2"):
        (tmp_path / f"{name}.png").write_bytes(b"")
    return tmp_path


def of(readers, cases, **more):
    one = {"readers": readers, "cases": cases, "measure": "found", **more}
    return json.dumps({"asked": {"true": 0.75}, "designs": [one]})


def test_readings_minutes_and_days_are_those_of_the_design(planned, capsys):
    found = workload(*planned, seconds=50)

    for readings in found.readings.values():  # two cases by two methods
        assert sum(readings.values()) == 4
        assert set(readings) == {1, 2}
    assert found.days == 10
    assert main(["plan", "study.toml", "--cases", "cases.csv", "--seconds", "50"]) == 0
    table, said = capsys.readouterr().out.split("8 readings of 2 readers at 50 s each")
    assert [line.split()[-2:] for line in table.splitlines()[1:]] == [["4", "4"]] * 2
    assert ": 4 minutes of a reader at most, 2 of them in the longest session." in said
    assert "2 sessions, 10 days from the first to the last at least." in said
    assert "No primary endpoint is planned by measure" in said


def test_places_in_reserve_are_nobodys_work(planned):
    text = planned[0].read_text().replace("number = 2", "number = 2\nreserve = 1")
    planned[0].write_text(text)
    assert len(workload(*planned).readings) == 2


@pytest.mark.parametrize(
    ("primary", "said"),
    [
        ('"kappa", claim = "at_least", above = 0.4', "--design design.toml --read"),
        ('"kappa", claim = "estimate"', "It claims nothing, so it has no power"),
        ('"shift", claim = "differs"', "power --protocol study.toml --cases 2 --json"),
        ('"ac1", claim = "at_least", above = 0.4', "power has none of ac1 at_least"),
    ],
)  # fmt: skip
def test_it_names_the_command_that_has_the_power(planned, primary, said, capsys):
    asked = f'primary = {{question = "Q3", measure = {primary}}}\n'
    text = planned[0].read_text().replace("[analysis]\n", f"[analysis]\n{asked}")
    planned[0].write_text(text)
    assert main(["plan", "study.toml", "--cases", "cases.csv"]) == 0
    assert said in capsys.readouterr().out


def test_it_prints_the_power_of_this_size_only(planned):
    file = planned[0].with_name("power.json")
    file.write_text(of(2, 2, power_simulated=0.8125))
    assert "Power for found: 81.2%." in workload(*planned, power=file).to_text()
    file.write_text(of(2, 3, power_simulated=0.8125))
    with pytest.raises(FormatError, match="with 2 readers and 2 cases, got another"):
        workload(*planned, power=file)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_no_time_is_refused(planned, seconds, capsys):
    call = ["plan", "study.toml", "--cases", "cases.csv", "--seconds", seconds]
    assert main(call) == 2
    assert (
        "Seconds of a reading must be a number above 0, got" in capsys.readouterr().err
    )


def test_a_protocol_needs_its_cases(planned, capsys):
    assert main(["plan", "study.toml"]) == 2
    assert "cases must be given with a protocol" in capsys.readouterr().err
