"""What `build` accepts, `report` accepts: protocol, plan and questionnaire at random.

Each study goes the whole way by the commands of `magic-study` - build, simulate, lock,
unblind - and is then analysed as `magic-analyze report` does. A build may refuse; what
it has let through must not fail, or lose a planned test, after readers have read.
"""

import csv
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from analysis.cli import main as analyze
from analysis.report.results import analyse_responses
from reader_study.building.sealing import seal
from reader_study.cli import main as study_command
from reader_study.formats.closing import closing_beside
from reader_study.formats.endpoint import CLAIMS
from reader_study.formats.flow import flow_beside
from reader_study.formats.plan import plan_beside
from reader_study.formats.questionnaire import read_questionnaire
from reader_study.formats.responses import read_responses
from tests.reader_study.material import write_cases

PASSPHRASE = "a phrase of a test"  # noqa: S105
SEVERITIES = {"none": 2, "mild": 1, "severe": 2}

# Signs that tables, spreadsheets, LaTeX, XML and shells take for their own.
texts = st.text("aZ9é=+-@',;\"&<>%$#_{}\\ ", min_size=1, max_size=8)
names = texts.map(str.strip).filter(bool)
labels = st.text("Yes no,;\"'=&<é\n", min_size=1, max_size=10).map(
    lambda text: f"a{text}"
)
IDS = ["Q1", "Q2A", "Q2B", "Q3", "Q4", "noise", "A-b", "x_1"]
PAPER = {"Q1": [1, 0], "Q2A": [1, 0, -1], "Q2B": [1, 0, -1], "Q3": [1, 2, 3, 4]}
"""Of the paper's questions, those that plans are drawn for."""


@st.composite
def questionnaires(draw):
    """Questions of two to five steps, as questionnaire.json holds them."""
    questions = []
    for name in draw(
        st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True)
    ):
        codes = draw(
            st.one_of(
                st.just([1, 0]),
                st.lists(st.integers(-2, 5), min_size=2, max_size=5, unique=True),
            )
        )
        scale = [
            {"code": code, "label": draw(labels)}
            | ({"requires_reason": True} if draw(st.booleans()) else {})
            for code in codes
        ]
        questions.append({"id": name, "text": draw(labels), "scale": scale})
    return {"schema": 1, "title": draw(labels), "version": "1", "questions": questions}


@st.composite
def endpoints(draw, scales):
    """Endpoints of these questions; a build may refuse one for its codes or margin."""
    name = draw(st.sampled_from(sorted(scales)))
    judged = {0, 1} <= set(scales[name])
    measures = [measure for measure in sorted(CLAIMS) if judged or measure != "turing"]
    measure = draw(st.sampled_from(measures))
    claim = draw(st.sampled_from(CLAIMS[measure]))
    drawn = {"question": name, "measure": measure}
    drawn |= {} if claim == "estimate" else {"claim": claim}
    if claim == "at_least":
        drawn["above"] = draw(st.sampled_from([0.0, 0.4, 0.9]))
    if claim in {"non_inferior", "equivalent"} and draw(st.integers(0, 4)):
        drawn["margin"] = draw(st.sampled_from([0.1, 0.4]))
    if measure == "weighted_kappa":
        drawn["weights"] = draw(st.sampled_from(["linear", "quadratic"]))
    return drawn


def plans(scales):
    """Plans for questions with these scales; now and then of others."""
    some = st.lists(st.sampled_from(sorted(scales)), max_size=2, unique=True)
    codes = st.sampled_from(
        sorted({code for scale in scales.values() for code in scale})
    )
    return st.fixed_dictionaries(
        {},
        optional={
            "primary": st.one_of(texts, endpoints(scales)),
            "endpoints": st.lists(endpoints(scales), max_size=3, unique_by=str),
            "multiplicity": st.sampled_from(["holm", "fixed_sequence", "none"]),
            "confidence_level": st.sampled_from([0.9, 0.95, 0.99]),
            "incomplete_pairs": st.sampled_from(["exclude", "disagree"]),
            "non_inferiority_margin": st.sampled_from([0.1, 0.5]),
            "equivalence_margin": st.sampled_from([0.1, 0.4]),
            "turing_question": st.sampled_from(["", *sorted(scales)]),
            "acceptability_questions": some,
            "acceptable_codes": st.lists(codes, min_size=1, max_size=2, unique=True),
            "ordinal_questions": some,
            **extras(scales),
            "notes": st.just({"test": "McNemar", "simulated": False}),
        },
    )


def extras(scales):
    """Weights, groups and subgroups that fit the scales."""
    name = min(scales)
    codes = scales[name]
    return {
        "weights": st.just({name: [1, *[0.5] * (len(codes) - 1)]}),
        "groups": st.just({name: {"first": codes[:1], "others": codes[1:]}}),
        "subgroups": st.lists(st.sampled_from(["severity", "site"]), unique=True),
    }


FOREIGN = [
    {"test": "McNemar, exact, two-sided"},
    {"simulated": False},
    {"acceptable_codes": [1.5]},
    {"acceptable_codes": [2]},
    {"acceptability_questions": ["Q9"]},
    {"equivalence_margin": 0.5},
    {"subgroups": ["method"]},
    {"weights": {"Q9": [1, 0.5, 0]}},
    {"primary": {"question": "Q9", "measure": "kappa"}},
    {"endpoints": [{"question": "Q3", "measure": "kappa", "claim": "differs"}]},
    {"multiplicity": "bonferroni"},
]
"""What a build refuses, or must not be misled by."""


@st.composite
def studies(draw):
    """The settings of a study; one in six plans holds something foreign."""
    asked = draw(st.one_of(st.none(), questionnaires()))
    scales = PAPER
    if asked is not None:
        scales = {
            q["id"]: [step["code"] for step in q["scale"]] for q in asked["questions"]
        }
    plan = draw(plans(scales))
    if draw(st.integers(0, 5)) == 5:
        plan |= draw(st.sampled_from(FOREIGN))
    allocation = draw(st.sampled_from(["balanced", "paper"]))
    reference, test = draw(
        st.lists(names, min_size=2, max_size=2, unique_by=str.casefold)
    )
    return {
        "title": draw(names),
        "reference": reference,
        "test": test,
        "allocation": allocation,
        "order": draw(st.sampled_from(["per_reader", "shared"])),
        "max_run": 0 if allocation == "paper" else draw(st.sampled_from([0, 3])),
        "min_distance": draw(st.integers(0, 1)),
        "number": draw(st.integers(1, 3)),
        "closing": draw(st.booleans()),
        "analysis": plan,
        "questionnaire": asked,
    }


def toml_value(value):
    """A value as TOML writes it; JSON writes texts, numbers and lists alike."""
    if isinstance(value, dict):
        inside = (f"{json.dumps(k)} = {toml_value(v)}" for k, v in value.items())
        return f"{{{', '.join(inside)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    return json.dumps(value)


def toml_of(given):
    """The text of a study.toml; JSON writes its texts, numbers and lists alike."""
    values = {name: toml_value(value) for name, value in given.items()}
    own = "paper" if given["questionnaire"] is None else "own.json"
    lines = [
        f"[study]\ntitle = {values['title']}\nquestionnaire = {json.dumps(own)}",
        f"[methods]\nreference = {values['reference']}\ntest = {values['test']}",
        "[cases]\n" + "\n".join(f"{name} = {n}" for name, n in SEVERITIES.items()),
        f"[design]\nallocation = {values['allocation']}\norder = {values['order']}",
        f"max_run = {values['max_run']}\nmin_distance = {values['min_distance']}",
        f"[readers]\nnumber = {values['number']}\nclosing = {values['closing']}",
        "[analysis]",
    ]
    plan = dict(given["analysis"])
    notes = plan.pop("notes", {})
    lines += [f"{name} = {toml_value(value)}" for name, value in plan.items()]
    lines += ["[analysis.notes]"] if notes else []
    lines += [f"{name} = {json.dumps(value)}" for name, value in notes.items()]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    write_cases(folder, SEVERITIES, spare=1)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _cheap_key():
    """Sealing at full cost takes a quarter of a second, which tells nothing here."""
    patch = pytest.MonkeyPatch()
    patch.setitem(seal.__kwdefaults__, "work_factor", 2**8)
    yield
    patch.undo()


def command(*words):
    return study_command([str(word) for word in words])


def unblinded(folder, given):
    """Folder of the unblinded study, or None if the build refused."""
    phrase = folder / "phrase"
    phrase.write_text(PASSPHRASE)
    (folder / "study.toml").write_text(toml_of(given), encoding="utf-8")
    (folder / "own.json").write_text(json.dumps(given["questionnaire"]))
    key = ("--key", folder / "KEY", "--passphrase-file", phrase)
    study, out = folder / "STUDY", folder / "unblinded"
    cases = ("--cases", folder / "cases.csv", "--jobs", 1)
    if command("build", folder / "study.toml", *cases, "--out", study, *key) != 0:
        return None
    rehearsal = ("--kappa", 0.4, "--missing", 0.05, "--seed", 1)
    assert command("simulate", study, *key, *rehearsal) == 0
    assert command("lock", study, "--by", "Eve") == 0
    people = ("--name", "Eve", "--name", "Max", "--reason", "a test")
    assert command("unblind", study, *key, *people, "--out", out) == 0
    return out


def analysed(folder):
    """Results of the study, as `report` takes them from what lies in the folder."""
    responses = folder / "responses.csv"
    plan = plan_beside(responses)
    asked = read_questionnaire(folder / "questionnaire.json")
    return analyse_responses(
        read_responses(responses, asked, reference=plan.reference, test=plan.test),
        title="A study",
        plan=plan,
        closing=closing_beside(responses),
        flow=flow_beside(responses),
    )


def check_endpoints(plan, found, out):
    """The plan is the sealed one, and whatever it names is answered or said to be."""
    assert plan_beside(out / "responses.csv").seal == "holds"
    told = found.front.content
    assert told["family"]["left_out"] == []
    if plan.get("endpoints"):
        names = [one["question"] for one in told["family"]["endpoints"]]
        assert names == [one["question"] for one in plan["endpoints"]]
    if isinstance(plan.get("primary"), dict):
        assert told["primary"]["result"]["measure"] == plan["primary"]["measure"]
    elif plan.get("primary", "").strip():
        assert told["primary"]["result"] or told["primary"]["missing"]


def check_round_trip(given, folder):
    out = unblinded(folder, given)
    event("built" if out else "refused")
    if out is None:
        return
    found = analysed(out)
    with (out / "responses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == given["number"] * sum(SEVERITIES.values()) * 2
    assert (found.reference, found.test) == (given["reference"], given["test"])
    assert found.provenance == "simulated"
    plan = given["analysis"]
    assert found.confidence_level == plan.get("confidence_level", 0.95)
    check_endpoints(plan, found, out)
    sections = {section.id: section for section in found.sections}
    for key, name in (
        ("acceptability_questions", "acceptability"),
        ("ordinal_questions", "ordinal"),
        ("turing_question", "turing"),
    ):
        if plan.get(key):
            assert sections[name].refused is None, sections[name].refused
    said = " ".join(sections["acceptability"].findings) if plan.get(
        "acceptability_questions"
    ) else ""  # fmt: skip
    assert "left out" not in said


def _examples(number):
    return settings(
        max_examples=number,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@_examples(4)
@given(given=studies())
def test_what_is_built_can_be_reported(given, pictures, tmp_path_factory):
    run_in_new_folder(given, pictures, tmp_path_factory)


@pytest.mark.slow
@pytest.mark.timeout(600)
@_examples(60)
@given(given=studies())
def test_what_is_built_can_be_reported_many(given, pictures, tmp_path_factory):
    run_in_new_folder(given, pictures, tmp_path_factory)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_odd_names_reach_every_page(pictures, tmp_path):
    shutil.copytree(pictures, tmp_path, dirs_exist_ok=True)
    given = {
        "title": "<b>&_$%#", "reference": "=R&<é>_%", "test": "'M$#{}\\",
        "allocation": "paper", "order": "shared", "max_run": 0, "min_distance": 1,
        "number": 2, "closing": True, "questionnaire": None,
        "analysis": {"primary": "=1+1", "non_inferiority_margin": 0.2},
    }  # fmt: skip
    out = unblinded(tmp_path, given)
    report = ["report", str(out / "responses.csv"), "--out", str(tmp_path / "report")]

    assert analyze(report) == 0
    page = (tmp_path / "report" / "report.html").read_text()
    assert "=R&amp;&lt;é&gt;_%" in page
    assert (
        "=R&<é>_%"
        in json.loads((tmp_path / "report/results.json").read_text()).values()
    )


def run_in_new_folder(given, pictures, tmp_path_factory):
    folder = Path(tmp_path_factory.mktemp("study"))
    shutil.copy(pictures / "cases.csv", folder)
    (folder / "montages").symlink_to(pictures / "montages")
    check_round_trip(given, folder)
    shutil.rmtree(folder)
