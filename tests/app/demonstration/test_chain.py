"""`magic-app demo`: steps in order, what is there is kept, a protocol that fits."""

import itertools
import shutil

import pytest

from app.demonstration import chain
from app.demonstration.chain import Demonstration, fitted, run_demonstration, steps_of
from reader_study.building.demo import write_template
from reader_study.errors import StudyError
from reader_study.formats.protocol import read_protocol

N_STEPS = len(list(steps_of(Demonstration())))


class Programs:
    """Stands for all programs: notes each call and writes what it would make."""

    def __init__(self):
        self.calls = []

    def __call__(self, program, *words, **_):
        words = [str(word) for word in words]
        self.calls.append(f"{program} {words[0]}")
        options = dict(itertools.pairwise(words))
        if words[0] == "init":
            write_template(chain.Path(words[1]), "magic")
        if "--out" not in options:
            return
        out = chain.Path(options["--out"])
        if out.suffix:
            out.write_text("")
            return
        out.mkdir(parents=True, exist_ok=True)
        for name in MADE.get(words[0], ()):
            (out / name).write_text(CASES if name == "cases.csv" else "")


MADE = {
    "phantom": ["cohort.csv"],
    "import": ["cohort.csv"],
    "generate": ["generated.csv"],
    "montage": ["cases.csv"],
    "unblind": ["responses.csv"],
    "report": ["report.html"],
    "reproduce": ["report.html"],
    "dossier": ["dossier.html"],
}
CASES = "case,severity,truth\n" + "".join(
    f"p{n},{name},1\n"
    for n, name in enumerate(["none"] * 2 + ["mild_moderate"] * 3 + ["severe"] * 4)
)


@pytest.fixture
def programs(monkeypatch):
    fake = Programs()
    monkeypatch.setattr(chain, "run", fake)
    return fake


def test_every_step_is_done_once_and_in_order(programs, tmp_path):
    said = []
    text = run_demonstration(Demonstration(out=tmp_path), said.append)
    numbers = [line.split()[1] for line in said]
    assert numbers == [f"{n}/{N_STEPS}" for n in range(1, N_STEPS + 1)]
    assert programs.calls[:5] == [
        "magic-model phantom", "magic-model train", "magic-model phantom",
        "magic-model generate", "magic-model montage",
    ]  # fmt: skip
    assert "magic-study unblind" in programs.calls
    assert str(tmp_path / "report" / "report.html") in text
    programs.calls.clear()
    run_demonstration(Demonstration(out=tmp_path), said.append)
    assert programs.calls == []


def test_what_is_missing_is_made_and_what_follows_from_it(programs, tmp_path):
    run_demonstration(Demonstration(out=tmp_path), list)
    shutil.rmtree(tmp_path / "reproduce")
    programs.calls.clear()
    run_demonstration(Demonstration(out=tmp_path), list)
    assert programs.calls == ["magic-analyze reproduce"]
    (tmp_path / "montages" / "cases.csv").unlink()
    programs.calls.clear()
    run_demonstration(Demonstration(out=tmp_path), list)
    assert programs.calls[0] == "magic-model montage"
    assert "magic-study build" in programs.calls
    assert "magic-model train" not in programs.calls


def test_the_sample_is_trained_on_and_shown(programs, tmp_path):
    demonstration = Demonstration(out=tmp_path, sample=tmp_path / "sample")
    run_demonstration(demonstration, list)
    assert programs.calls[0] == "magic-model import"
    assert "magic-model phantom" not in programs.calls


def test_a_study_for_oneself_has_one_reader_and_needs_no_report(programs, tmp_path):
    text = run_demonstration(Demonstration(out=tmp_path, reading=True), list)
    assert "magic-analyze report" not in programs.calls
    assert programs.calls[-1] == "magic-study open"
    protocol = read_protocol(tmp_path / "reading" / "study.toml")
    assert (protocol.n_readers, protocol.washout_days) == (1, 0)
    assert text.startswith("Read it: magic-app read")


@pytest.mark.parametrize("exact", [False, True])
def test_the_protocol_fits_the_cases(exact, tmp_path):
    cases = tmp_path / "cases.csv"
    cases.write_text(CASES)
    path = tmp_path / "study.toml"
    demonstration = Demonstration(exact=exact)
    write_template(tmp_path / "template.toml", "magic")
    template = (tmp_path / "template.toml").read_text()
    path.write_text(fitted(template, cases, demonstration))
    protocol = read_protocol(path)
    assert dict(protocol.per_severity) == {"none": 2, "mild_moderate": 3, "severe": 4}
    assert protocol.min_distance == 2
    assert tuple(protocol.accepted_cues) == (("compressed size",) if exact else ())
    assert "\nrating = " in path.read_text()
    cases.write_text(CASES.replace("truth", "other"))
    assert "\nrating = " not in fitted(template, cases, demonstration)


def test_a_line_that_is_not_there_is_named():
    with pytest.raises(StudyError, match="must have a line of none, got none"):
        chain.with_values("[cases]\n", {"none": "3"})


@pytest.mark.slow
def test_programs_run_with_a_passphrase_and_say_what_failed(capfd, monkeypatch):
    monkeypatch.delenv(chain.PASSPHRASE, raising=False)
    with pytest.raises(StudyError, match="magic-study verify ended with status 2"):
        chain.run("magic-study", "verify", "no-such-study")
    assert "no-such-study" in capfd.readouterr().err
    chain.run("magic-study", "--version", quiet=True)
    assert capfd.readouterr().out == ""
