"""What `magic-study preregister` tells a registry."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from docx import Document

from reader_study.building import registering
from reader_study.building.builder import build_study
from reader_study.building.demo import TEMPLATES
from reader_study.cli import main
from reader_study.errors import StudyError
from reader_study.formats.protocol import parse_protocol, read_protocol, template
from reader_study.formats.questionnaire import paper_questionnaire
from reader_study.formats.sealed import registered_beside
from reader_study.rehearsal.simulation import SimulatedClock
from tests.reader_study.material import COUNTS, request, write_cases

CLAIM = template().replace('claim = "estimate"}', 'claim = "at_least", above = 0.4}', 1)
# The form of the Open Science Framework, section 1 to 6 (osf.io/prereg).
FORM = {
    "Study information": ["Title", "Authors", "Description", "Hypotheses"],
    "Design plan": [
        "Study type", "Blinding", "Additional blinding", "Study design",
        "Randomisation",
    ],
    "Sampling plan": [
        "Existing data", "Data collection procedures", "Sample size",
        "Sample size rationale", "Stopping rule",
    ],
    "Variables": ["Manipulated variables", "Measured variables", "Indices"],
    "Analysis plan": [
        "Statistical models", "Transformations", "Inference criteria",
        "Data exclusion", "Missing data", "Exploratory analysis",
    ],
    "Other": ["Other"],
}  # fmt: skip


@pytest.fixture
def protocol(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(CLAIM)
    return path


def answers(found):
    return {one.asks: one for of in found.parts.values() for one in of}


def test_every_part_of_the_form_is_answered_or_marked(protocol):
    found = registering.preregister(protocol)

    assert {p: [a.asks for a in of] for p, of in found.parts.items()} == FORM
    assert all(one.said or one.person for one in answers(found).values())
    text = found.to_markdown()
    # Once more where the text says what the mark means.
    assert text.count(registering.MARK) == found.n_open + 1 == 9
    for one in answers(found).values():
        assert f"### {one.asks}\n" in text


def test_it_says_what_the_plan_claims(protocol):
    said = answers(registering.preregister(protocol))

    assert said["Hypotheses"].said[0] == (
        "Primary. The lower 95 % limit of Cohen's kappa of Q3 lies above 0.4."
    )
    assert "lies within 0.1 of 0.5" in said["Hypotheses"].said[-1]
    assert "(test - reference) lies above -0.1." in said["Hypotheses"].said[1]
    assert "Holm's step-down method" in said["Inference criteria"].said[0]
    assert "7 readers, 20 cases" in said["Sample size"].said[0]
    assert "at least 28 days apart" in said["Study design"].said[0]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (
            {"asked": {"kappa": 0.4, "readers": 7, "cases": 20},
             "figures": {"Q3": [{"formulation": "Wald", "power": 0.91}],
                         "Q1": [{"formulation": "Wald", "power": None}]}},
            ("Assumed: kappa 0.4.", "Q3: power 91.0% (wald)."),
        ),
        (
            {"asked": {"kappa": 0.6}, "designs": [
                {"measure": "non_inferiority", "readers": 7, "cases": 20,
                 "power_simulated": 0.5},
                {"measure": "kappa", "readers": 5, "cases": 20}]},
            ("Assumed: kappa 0.6.", "Power for non inferiority: 50.0%."),
        ),
        (
            {"asked": {"raters": 7, "cases": 20, "kappa": 0.6}, "power": 0.57},
            ("Assumed: raters 7, kappa 0.6.", "Power for kappa of all readers: 57.0%."),
        ),
    ],
)  # fmt: skip
def test_the_sample_size_has_its_reason(protocol, size, expected):
    path = protocol.with_name("power.json")
    path.write_text(json.dumps(size))

    found = answers(registering.preregister(protocol, power=path))
    rationale = found["Sample size rationale"]

    assert rationale.said[:-1] == expected
    assert not rationale.person


@pytest.mark.parametrize("size", [{"asked": {"readers": 3, "cases": 9}}, {"power": 1}])
def test_the_power_of_another_study_is_refused(protocol, size):
    path = protocol.with_name("power.json")
    path.write_text(json.dumps(size))

    with pytest.raises(StudyError, match="power with 7 readers and 20 cases"):
        registering.preregister(protocol, power=path)


def test_of_a_built_study_the_commitment_is_told(protocol, monkeypatch):
    read = read_protocol(protocol)
    manifest = SimpleNamespace(commitment="ab" * 32)
    built = SimpleNamespace(
        protocol=read, questionnaire=paper_questionnaire(), manifest=manifest
    )
    monkeypatch.setattr(registering.study, "open_study", lambda _: built)

    found = registering.preregister(protocol.parent)

    assert found.hashes["Commitment to the key"] == "ab" * 32
    assert found.hashes["Protocol SHA-256"] == read.sha256
    assert "ab" * 32 in answers(found)["Blinding"].said[-1]
    assert "commitment" not in answers(found)["Other"].person


@pytest.mark.slow
def test_a_built_study_is_told_by_its_own_files(tmp_path):
    write_cases(tmp_path, dict.fromkeys(COUNTS, 1), spare=0)
    text = template().replace("min_distance = 3", "min_distance = 1")
    for severity, count in COUNTS.items():
        text = text.replace(f"{severity} = {count}", f"{severity} = 1")
    manifest = build_study(request(tmp_path, text)).manifest
    clock = SimulatedClock(datetime(2026, 3, 1, 9, tzinfo=UTC))

    found = registering.preregister(tmp_path / "STUDY", clock=clock)

    assert found.hashes == {
        "Protocol SHA-256": manifest.protocol_sha256,
        "Questionnaire SHA-256": manifest.questionnaire_sha256,
        "Commitment to the key": manifest.commitment,
        "Made at": "2026-03-01T09:00:00.000000Z",
    }


# What a registry must be told of each design that one can begin with.
DESIGNS = {
    "magic": ("2 methods (RAPID, MAGIC), paired", "One picture at a time."),
    "turing": ("unpaired; crossed; 1 session", "One picture at a time."),
    "three-arms": ("3 sessions, at least 14 days, 14 days apart", "One picture"),
    "inter-rater": ("1 method (clinical)", "One picture at a time."),
    "preference": ("2 pictures of a case side by side, under letters.",),
    "afc": ("4 methods", "4 pictures", "to choose among."),
    "ranking": ("3 methods", "to be ranked."),
    "aided": ("2 methods (unaided, aided)", "first answer is kept before the aid"),
    "grading": ("2 sessions, at least 14 days apart", "One picture at a time."),
    "panel": ("1 method (reference imaging)", "One picture at a time."),
}


def test_all_designs_are_looked_at():
    assert set(DESIGNS) == set(TEMPLATES)


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_is_told_as_it_is(tmp_path, name):
    path = tmp_path / "study.toml"
    assert main(["init", str(path), "--template", name]) == 0

    found = registering.preregister(path)
    said = answers(found)

    assert said["Hypotheses"].said[0].startswith("Primary. ")
    arms = ", ".join(read_protocol(path).methods)
    assert said["Manipulated variables"].said == (f"Method of the picture: {arms}.",)
    for words in DESIGNS[name]:
        assert words in said["Study design"].said[0]
    assert {p: [a.asks for a in of] for p, of in found.parts.items()} == FORM
    several = name in {"preference", "afc", "ranking"}
    assert ("Places of the methods" in said["Randomisation"].said[0]) == several
    knows = "know when the aid is shown" in said["Blinding"].said[0]
    assert knows == (name == "aided")
    acceptable = name in {"magic", "grading"}
    assert said["Indices"].said[0].startswith("Acceptable") == acceptable


def test_the_command_writes_text_and_word_and_never_over_them(protocol, capsys):
    out = protocol.with_name("preregistration.md")
    call = ["preregister", str(protocol), "--out", str(out)]

    assert main(call) == 0
    printed = capsys.readouterr().out
    registered = registered_beside(protocol.with_name("responses.csv"))
    hashed = parse_protocol(CLAIM, "study.toml").sha256
    assert registered.protocol_sha256 == hashed
    assert f"Protocol SHA-256 {hashed}" in printed
    assert f"Text SHA-256 {registered.text_sha256}" in printed
    assert registered.made_at.endswith("Z")
    word = Document(str(out.with_suffix(".docx")))
    marked = [p for p in word.paragraphs if p.text.startswith(registering.MARK)]
    assert len(marked) == 8
    assert hashed in word.paragraphs[-3].text
    assert main(call) == 2
    assert "exists already and is not written over" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_named(protocol, capsys):
    assert main(["preregister", str(protocol), "--out", "nowhere/text.md"]) == 2
    assert "nowhere/text.md: cannot be written" in capsys.readouterr().err
