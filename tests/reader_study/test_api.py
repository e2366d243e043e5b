"""The front door: what `import reader_study` offers, and how it refuses."""

import subprocess
import sys

import pytest

import reader_study
from reader_study.building import planning
from reader_study.cli import main
from reader_study.design.study_plan import check_draw, plan_study
from reader_study.errors import StudyError
from tests.reader_study.building.test_builder import SMALL
from tests.reader_study.conftest import make_study, make_truth
from tests.reader_study.material import COUNTS, PASSPHRASE, write_cases

NAMES = ("Eve", "Max")
JUNK = (None, 3, 1.5, [], {}, b"x", "", "nowhere", object())
"""What no argument of the package may be."""

CALLS = {
    "audit": reader_study.audit,
    "build": lambda x: reader_study.build(x, cases=x, out=x, key=x, passphrase=x),
    "open_study": reader_study.open_study,
    "read_protocol": reader_study.read_protocol,
    "read_questionnaire": reader_study.read_questionnaire,
    "restore": lambda x: reader_study.restore(x, key=x, passphrase=x, montages=x),
    "simulate": lambda x: reader_study.simulate(x, key=x, passphrase=x),
    "unblind": lambda x: reader_study.unblind(
        x, key=x, passphrase=x, names=x, reason=x
    ),
}


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    write_cases(folder, dict.fromkeys(COUNTS, 1), spare=0)
    (folder / "study.toml").write_text(SMALL)
    return folder


def built(material, name):
    places = {"out": str(material / name), "key": str(material / f"{name}.key")}
    study = reader_study.build(
        str(material / "study.toml"),
        cases=str(material / "cases.csv"),
        passphrase=PASSPHRASE,
        jobs=1,
        **places,
    )
    return study, places


@pytest.fixture(scope="module")
def whole(material):
    """A study on its whole way, by Python alone: what each step returned."""
    study, places = built(material, "WHOLE")
    simulated = reader_study.simulate(
        places["out"], key=places["key"], passphrase=PASSPHRASE, kappa=0.5, missing=0.1
    )
    with reader_study.open_study(places["out"]) as opened:
        status = opened.status()
        opened.lock(by="Eve")
    unblinded = reader_study.unblind(
        places["out"],
        key=places["key"],
        passphrase=PASSPHRASE,
        names=NAMES,
        reason="done",
        out=str(material / "OUT"),
    )
    return study, simulated, status, unblinded


def test_every_name_is_there_and_documented():
    assert len(reader_study.__all__) >= 20
    assert set(reader_study.__all__) <= set(dir(reader_study))
    for name in reader_study.__all__:
        assert getattr(reader_study, name).__doc__
    assert reader_study.__version__
    with pytest.raises(AttributeError, match="no attribute 'rubbish'"):
        reader_study.rubbish  # noqa: B018


def test_the_import_loads_nothing():
    code = "import sys, reader_study; print(sorted(m for m in sys.modules if '.' in m))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "reader_study" not in done.stdout
    assert "numpy" not in done.stdout


@pytest.mark.slow
def test_a_function_is_found_after_its_neighbours_were_imported():
    code = (
        "import reader_study.building.builder, reader_study.rehearsal.simulation; "
        "import reader_study as r; "
        "assert all(callable(getattr(r, name)) for name in r.__all__)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_results_are_short_to_read_and_tables_are_frames(whole):
    study, simulated, status, unblinded = whole

    assert repr(study).startswith("<BuiltStudy: 12 pictures for 7 readers")
    assert repr(study.audit).startswith("<AuditReport: Too few cases to tell")
    assert "SIMULATED" in repr(status)
    assert "responses.csv" in repr(unblinded)
    for result in (study, study.audit, status, unblinded):
        assert len(repr(result)) < 300
    assert list(study.audit.to_frame()["name"])
    assert list(simulated.to_frame()["question"]) == [
        "Q1", "Q2A", "Q2B", "Q2C", "Q2D", "Q3", "Q4",
    ]  # fmt: skip
    frame = status.to_frame()
    assert len(frame) == 14
    assert frame["n_submitted"].sum() + frame["n_declined"].sum() == 42
    assert set(unblinded.to_frame()["method"]) == {"RAPID", "MAGIC"}


def test_a_reader_reads_in_python(material):
    _, places = built(material, "READ")
    with reader_study.open_study(places["out"]) as study:
        for n in range(7):
            study.add_reader(f"r{n}", specialty="neuroradiologist", years=3, by="Eve")
        assert study.problems() == []
        study.start(by="Eve")
        reading = study.session("r0").next_reading()
    assert (reading.trial, reading.position) == (1, 1)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: type(junk).__name__)
def test_junk_is_refused_with_a_sentence(name, junk, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError) as refused:
        CALLS[name](junk)
    assert isinstance(refused.value, ValueError)
    assert len(str(refused.value)) > 10


def test_every_function_is_tried_with_junk():
    functions = {
        name
        for name in reader_study.__all__
        if not isinstance(getattr(reader_study, name), type)
    }
    assert functions - {"paper_questionnaire"} == set(CALLS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kapa": 0.5}, "A plan must have kappa, .* only, got kapa"),
        ({"kappa": 2}, "kappa must be from 0 to 1, got 2"),
        ({"kappa": "much"}, "kappa must be from 0 to 1, got 'much'"),
        ({"seed": -1}, "seed must be a whole number from 0 on, got -1"),
        ({"seed": "x"}, "seed must be a whole number from 0 on, got 'x'"),
        ({"key": None}, "key must be a path, got None"),
        ({"passphrase": 5}, "passphrase must be a text, or those of two people"),
        ({"passphrase": "wrong one"}, "does not open this key"),
    ],
)
def test_values_that_cannot_be_used(material, whole, change, message):
    given = {"key": str(material / "WHOLE.key"), "passphrase": PASSPHRASE} | change
    with pytest.raises(StudyError, match=message):
        reader_study.simulate(str(material / "WHOLE"), **given)


@pytest.mark.parametrize("names", [(), "Eve", ("Eve",), ("Eve", "Eve"), (1, 2), None])
def test_two_people_unblind(material, whole, names):
    with pytest.raises(StudyError, match=r"Two|name must be"):
        reader_study.unblind(
            str(material / "WHOLE"),
            key=str(material / "WHOLE.key"),
            passphrase=PASSPHRASE,
            names=names,
            reason="again",
        )


@pytest.mark.slow
def test_a_study_that_was_not_drawn_is_found(material, monkeypatch, capsys):
    def another(available, protocol, nonce, table):
        return plan_study(available, protocol, nonce + "0", table)

    monkeypatch.setattr(planning, "plan_study", another)
    _, places = built(material, "CHOSEN")
    key = {"key": places["key"], "passphrase": PASSPHRASE}
    reader_study.simulate(places["out"], **key)
    with reader_study.open_study(places["out"]) as study:
        study.lock(by="Eve")
        study.unblind(**key, names=NAMES, reason="done")
    monkeypatch.setenv("MAGIC_STUDY_PASSPHRASE", PASSPHRASE)

    assert main(["verify", places["out"], "--draw", places["key"]]) == 2
    told = capsys.readouterr().err
    assert told == (
        "magic-study: The study must be the one that protocol and nonce draw, "
        "got another\n"
    )


def test_a_key_that_does_not_say_how_the_study_was_drawn(tmp_path):
    truth = make_truth()
    study = make_study(tmp_path / "STUDY", truth)
    with pytest.raises(StudyError, match="must say how the study was drawn"):
        check_draw(study.manifest, truth, study.protocol)
