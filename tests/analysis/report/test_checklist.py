from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from analysis.report.checklist import AUTHORS, GRRAS, READER_STUDY, checklist_section
from analysis.report.question import analyse_question
from analysis.report.section import ReportContext
from analysis.responses import pair_answers
from reader_study.formats.flow import StudyFlow
from reader_study.formats.plan import AnalysisPlan
from tests.analysis.report.conftest import PLAN

FLOW = TypeAdapter(StudyFlow).validate_python(
    {
        "readings": [
            {"reader": name, "trial": trial, "assigned": 20, "analysed": 19}
            for name in ("R1", "R2")
            for trial in (2, 1)
        ],
        "readers": [{"interval_days": 28.1}, {"interval_days": 30.0}, {}],
        "deviations": [{"kind": "early"}],
        "grras": {"4": "Readers: 2 neuroradiologists.", "11": "As the study counts."},
    }
)


@pytest.fixture(scope="module")
def context(responses):
    questions = [
        analyse_question(pair_answers(responses, q)) for q in responses.questionnaire
    ]
    return ReportContext(responses, PLAN, questions, 0.95, flow=FLOW)


def rows(context):
    _, grras, readers = checklist_section(context).tables
    return (
        grras.frame.set_index("Item")["In this study"],
        readers.frame.set_index("Asks for")["In this study"],
    )


def test_every_item_stands_once_and_the_authors_have_theirs(context):
    grras, readers = rows(context)
    assert list(grras.index) == [f"GRRAS {n}" for n in range(1, 16)]
    assert len(readers) == len(READER_STUDY)
    for number in (1, 5, 14):
        assert grras[f"GRRAS {number}"] == AUTHORS
    assert readers["Failure analysis"] == AUTHORS


def test_the_study_goes_before_the_readings(context):
    grras, _ = rows(context)
    assert grras["GRRAS 4"] == "Readers: 2 neuroradiologists."
    assert grras["GRRAS 11"] == "As the study counts."
    assert grras["GRRAS 3"] == "Cases: 20 (7 none, 6 mild to moderate, 7 severe)."


def test_the_analysis_fills_in_plan_estimates_and_detail(context, section):
    grras, _ = rows(context)
    assert "non-inferiority margin 0.3" in grras["GRRAS 10"]
    kappa = section("clustered").content["cohen_kappa"]["Q3"]["crossed"]
    assert f"Q3 {kappa['estimate']:.3f} [{kappa['low']:.3f}" in grras["GRRAS 13"]
    assert "readers and patients random" in grras["GRRAS 13"]
    assert "results.json" in grras["GRRAS 15"]


def test_flow_interval_and_deviations_are_told(context):
    _, readers = rows(context)
    flow = readers["Flow, with exclusions and deviations"]
    assert flow.startswith("80 readings assigned")
    assert "76 analysed. Deviations: 1." in flow
    interval = readers["Interval between the readings of both methods"]
    assert interval == "28.1 to 30.0 days between the trials of a reader."
    frame = checklist_section(context).tables[0].frame
    assert list(frame["Trial"]) == ["1", "2"]
    assert list(frame["Assigned"]) == ["40", "40"]


def test_without_flow_and_plan_only_the_readings_speak(context):
    bare = replace(context, flow=StudyFlow(), plan=AnalysisPlan())
    found = checklist_section(bare)
    assert [table.name for table in found.tables] == [
        "checklist_grras",
        "checklist_readers",
    ]
    grras = found.content["grras"]
    assert grras["11"] == "7 readers, 20 cases, 280 readings."
    assert "No plan made before the data" in grras["10"]
    assert [n for n in GRRAS if grras[str(n)] is None] == [1, 4, 5, 6, 7, 8, 9, 12, 14]
    assert found.content["reader_study"]["flow"] is None


def test_planned_numbers_come_from_the_plan(context):
    plan = replace(PLAN, n_readers=7, n_cases=20)
    found = checklist_section(replace(context, plan=plan))
    assert found.content["grras"]["6"] == "7 readers and 20 cases were planned."
    assert found.content["reader_study"]["size"] == found.content["grras"]["6"]


def test_readings_without_severity_have_no_classes(context):
    readings = [replace(r, severity=None) for r in context.responses.readings]
    plain = replace(context, responses=replace(context.responses, readings=readings))
    found = checklist_section(plain)
    assert found.content["grras"]["3"] == "Cases: 20."
    assert found.content["reader_study"]["groups"] is None


def test_missing_answers_are_counted(context):
    first, *others = context.responses.readings
    answers = {k: v for k, v in first.answers.items() if k != "Q1"}
    lacking = replace(
        context.responses, readings=[replace(first, answers=answers), *others]
    )
    questions = [
        analyse_question(pair_answers(lacking, q)) for q in lacking.questionnaire
    ]
    found = checklist_section(replace(context, responses=lacking, questions=questions))
    assert found.content["reader_study"]["missing"] == (
        "Incomplete pairs: Q1 1; see Methods for how they count."
    )


def test_rebuilt_readings_have_independent_intervals_only(context):
    rebuilt = replace(
        context,
        responses=replace(context.responses, simulated=False, reconstructed=True),
    )
    found = checklist_section(rebuilt)
    assert "pairs taken as independent" in found.content["grras"]["13"]
    assert found.content["reader_study"]["variability"] is None
    assert "Reconstructed data" in found.findings[-1]
