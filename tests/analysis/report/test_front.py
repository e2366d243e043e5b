"""The page in front: it answers the plan, and says what was studied and what not."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from analysis.report.documents import report_html
from analysis.report.figures import house_style, save_figure
from analysis.report.frames import ReportFrames
from analysis.report.front import front_of
from analysis.report.results import (
    Choices,
    analyse_questions,
    analyse_responses,
    pictures_of,
)
from analysis.report.results_json import results_json
from analysis.report.section import ReportContext
from analysis.report.sections.acceptability import acceptability_section
from analysis.report.sections.turing import turing_section
from reader_study.formats.endpoint import Endpoint
from reader_study.formats.flow import (
    FlowDeviation,
    FlowReader,
    StudyFlow,
    TrialFlow,
)
from reader_study.formats.plan import AnalysisPlan
from tests.analysis.report.conftest import PLAN

PRIMARY = Endpoint(question="Q3", measure="kappa", claim="at_least", above=0.1)
PLANNED = replace(
    PLAN, primary=PRIMARY, n_readers=7, n_cases=20, washout_days=28.0,
    seal="holds", protocol_sha256="3f" * 32,
)  # fmt: skip
FLOW = StudyFlow(
    readings=tuple(
        TrialFlow(reader=f"R{n}", trial=trial, assigned=20, submitted=20 - (n == 2),
                  declined=int(n == 2), signed_at=f"2026-0{2 + trial}-0{n}T10:00:00Z")
        for n in range(1, 8) for trial in (1, 2)
    ),
    readers=tuple(
        FlowReader(name=f"R{n}", specialty="neuroradiologist", years=9.0,
                   interval_days=28.4)
        for n in range(1, 8)
    ),
    deviations=(),
    grras={8: "Readers were blinded to method and case."},
)  # fmt: skip


def results(responses, plan=PLANNED, flow=FLOW, **chosen):
    return analyse_responses(
        responses, title="A study", plan=plan, flow=flow, chosen=Choices(**chosen)
    )


@pytest.fixture(scope="module")
def front(responses):
    """Give the page in front alone, without the sections, which take their time."""
    questions = analyse_questions(responses, "exclude")

    def of(plan=PLANNED, flow=FLOW, **chosen):
        made = ReportContext(responses, plan, questions, 0.95, flow=flow)
        return front_of(replace(made, **chosen))

    return of


@pytest.fixture(scope="module")
def study(responses):
    return results(responses)


def page_of(study):
    names = ["forest", "agreement_charts", *(p.name for p in pictures_of(study))]
    return report_html(study, dict.fromkeys(names, b"<svg/>"))


@pytest.fixture(scope="module")
def page(study):
    return page_of(study)


def first_page(page):
    return page[page.index("<h1>") : page.index('<h2 id="methods">')]


def test_the_first_page_answers_the_primary_endpoint(study, page):
    found = study.front.content["primary"]["result"]
    low, high = (f"{found[end]:.3f}" for end in ("low", "high"))
    said = (
        "Cohen&#39;s kappa between RAPID and MAGIC on Q3 is "
        f"{found['estimate']:.3f} (95 % interval {low} to {high})."
    )
    front = first_page(page)
    assert said in front
    assert "Planned claim: above 0.1. It is" in front
    assert "What diagnosis would be given" in front
    assert front.index('id="primary"') < front.index('id="endpoints"')
    assert front.index('id="endpoints"') < front.index('id="all-questions"')
    assert front.index('id="all-questions"') < front.index('id="deviations"')


def test_methods_come_before_the_supplement(page):
    places = [
        page.index(f'id="{name}"')
        for name in ("methods", "data", "supplement", "agreement", "questions")
    ]
    assert places == sorted(places)
    assert "treat the pairs as independent" in page


def test_it_says_what_was_studied(study):
    facts = study.front.facts
    assert facts["Readers"] == "7 neuroradiologists"
    severities = "severity: 7 none, 6 mild to moderate, 7 severe"
    assert facts["Patients"] == f"20 ({severities})"
    assert facts["Readings"] == "278 submitted of 280 assigned, in 2 trials, 2 declined"
    assert facts["Dates"] == "trials signed 1 March 2026 to 7 April 2026"
    assert facts["Blinding"] == (
        "method and patient unknown to readers, trials at least 28 days apart, 28 days "
        "between signatures"
    )


def test_what_is_not_known_is_not_said(front):
    made = front(AnalysisPlan(), StudyFlow())
    assert {"Blinding", "Dates"}.isdisjoint(made.facts)
    assert made.deviations == ("How the readings went is not recorded with them.",)


def test_a_sealed_plan_is_fixed_beforehand(study):
    assert "Fixed before the study was built" in study.front.plan
    assert "3f3f3f3f" in study.front.plan


def test_a_report_says_whether_it_answers_the_registered_text(front):
    same = front(replace(PLANNED, registered="same", registration_sha256="7a" * 32))
    other = front(replace(PLANNED, registered="other", registration_sha256="7a" * 32))

    assert "(SHA-256 7a7a7a7a7a7a7a7a) names this protocol" in same.plan
    assert same.content["plan"]["registered"] == "same"
    assert "names this protocol" not in other.plan
    assert "does not answer that text" in " ".join(other.deviations)
    assert "registered text" not in " ".join(same.deviations)


@pytest.mark.parametrize("seal", ["none", "broken"])
def test_any_other_plan_is_as_stated(responses, front, seal):
    plan = replace(PLANNED, seal=seal)
    made = front(plan)
    context = ReportContext(responses, plan, (), 0.95)
    said = " ".join(
        [
            made.plan,
            *made.methods,
            *(
                sentence
                for section in (acceptability_section(context), turing_section(context))
                for sentence in (*section.findings, *section.methods)
            ),
        ]
    )
    assert "As stated in plan.json" in made.plan
    assert "ixed before" not in said
    assert ("was changed after" in " ".join(made.deviations)) == (seal == "broken")


def test_without_a_plan_everything_is_exploratory(front):
    made = front(AnalysisPlan(), StudyFlow())
    assert "nothing was planned, and everything here is exploratory" in made.plan
    assert made.primary[0].startswith("No primary endpoint was planned")
    assert made.family is None
    assert "of every question" in made.picture.alternative
    assert "readers and patients random" in made.picture.caption


def decisions(study):
    told = results_json(study)["inference"]
    sections = {
        name: (told["acceptability"][name]["non_inferior"])
        for name in ("Q2A", "Q2B", "Q2C", "Q2D")
    }
    equivalence = told["turing"]["equivalence"]["equivalent"]
    return told["primary"], told["family"], sections, equivalence


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.5, 0.999])
def test_another_level_changes_intervals_and_no_decision(responses, study, level):
    asked = results(responses, confidence_level=level)
    assert decisions(asked) == decisions(study)
    assert asked.questions[0].crossed.kappa.estimate == (
        study.questions[0].crossed.kappa.estimate
    )
    assert (
        asked.front.questions.frame.iloc[0, 3]
        != (study.front.questions.frame.iloc[0, 3])
    )
    assert f"at the {100 * level:g} % level that was asked for" in " ".join(
        asked.front.deviations
    )


def test_deviations_are_told(front):
    flow = replace(
        FLOW,
        readers=(
            *FLOW.readers[:6],
            replace(FLOW.readers[6], interval_days=20.0),
            FlowReader(name="R8", status="withdrawn", reason="fell ill"),
        ),
        deviations=(FlowDeviation(kind="early_start", reader="R7", reason="leave"),),
    )
    plan = replace(PLANNED, n_readers=8, incomplete_pairs="disagree")
    said = " ".join(front(plan, flow, incomplete="exclude").deviations)
    assert "8 readers were planned, 7 took part." in said
    assert "Less than 28 days between the trials: R7." in said
    assert "Readers who did not stay: R8, withdrawn (fell ill)." in said
    assert "a trial begun before the washout was over, R7 (leave)" in said
    assert "In the tables incomplete pairs are left out; the plan has them" in said


def test_every_interval_of_a_table_is_labelled(study, reconstructed):
    crossed = ReportFrames.of(study)
    heads = [name for name in crossed.table_one.columns if "CI" in name]
    assert len(heads) == 2
    assert all("readers and patients random" in head for head in heads)
    assert [n for n in crossed.independent.columns if "CI" in n] == [
        "Agreement [95% CI, pairs as independent]",
        "Cohen's kappa [95% CI, pairs as independent]",
    ]
    only = ReportFrames.of(reconstructed)
    assert only.independent is None
    assert "Agreement [95% CI, pairs as independent]" in only.table_one.columns


def test_numbers_of_the_plan_are_in_results_json(study):
    told = results_json(study)["inference"]
    json.dumps(told, allow_nan=False)
    assert told["plan"] == {
        "prespecified": True, "sealed": True, "protocol_sha256": "3f" * 32,
        "confidence_level": 0.95,
    }  # fmt: skip
    result = told["primary"]["result"]
    assert (result["question"], result["measure"], result["above"]) == (
        "Q3", "kappa", 0.1,
    )  # fmt: skip
    assert result["variance"] == "crossed"
    assert told["family"]["multiplicity"] == "holm"
    assert told["family"]["implied"]
    names = [one["question"] for one in told["family"]["endpoints"]]
    assert names == ["Q1", "Q2A", "Q2B", "Q2C", "Q2D"]
    assert all(
        one["adjusted_p_value"] >= one["p_value"] for one in told["family"]["endpoints"]
    )


def test_no_keys_or_codes_stand_in_the_prose(study, page):
    prose = [
        *study.front.facts.values(), *study.front.primary, *study.front.deviations,
        *(s for section in study.sections for s in section.findings),
    ]  # fmt: skip
    cells = [
        str(cell)
        for section in study.sections
        for table in section.tables
        for cell in table.frame.to_numpy().ravel()
    ]
    for text in (*prose, *cells):
        for key in ("mild_moderate", "per_reader", "at_least", "non_inferior"):
            assert key not in text
    assert "mild_moderate" not in page


def test_reconstructed_readings_have_a_page_that_says_so(reconstructed):
    made = reconstructed.front
    assert "arbitrary" in " ".join(made.questions.notes)
    assert "pairs as independent" in made.questions.caption
    assert made.family is None
    page_of(reconstructed)


def sheets(html, folder):
    """Number of sheets that a browser prints."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None and os.environ.get("CI") != "true":
        pytest.skip("no browser to print with")
    assert browser, "CI must have a browser"
    (folder / "page.html").write_text(html)
    out = folder / "page.pdf"
    words = ["--headless", "--no-sandbox", "--disable-gpu", f"--print-to-pdf={out}"]
    made = [browser, *words, f"--user-data-dir={folder / 'profile'}"]
    subprocess.run(
        [*made, str(folder / "page.html")], check=True, capture_output=True, timeout=100
    )
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", out.read_bytes()))


@pytest.mark.slow
def test_the_front_is_one_printed_page_and_eight_come_before_the_supplement(
    study, tmp_path
):
    with house_style():
        save_figure(study.front.picture.draw(), tmp_path, "primary")
    blank = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    figures = dict.fromkeys(
        ["forest", "agreement_charts", *(p.name for p in pictures_of(study))], blank
    )
    figures["primary"] = (tmp_path / "primary.svg").read_bytes()
    page = report_html(study, figures)
    upto = page.index('<h2 id="methods">')
    assert sheets(page[:upto], tmp_path) == 1
    longer = page[:upto].replace("</ul>", "<li>more</li>" * 40 + "</ul>")
    assert sheets(longer, tmp_path) == 2
    assert 2 <= sheets(page[: page.index('<h1 id="supplement"')], tmp_path) <= 8


def test_methods_that_had_cases_of_their_own_are_compared_without_pairs(responses):
    def said(readings):
        of = replace(responses, readings=readings)
        questions = analyse_questions(of, "exclude")
        made = ReportContext(of, PLANNED, questions, 0.95, flow=FLOW)
        return " ".join(front_of(made).deviations)

    unpaired = said(
        [
            reading
            for reading in responses.readings
            if (sum(map(ord, reading.case)) % 2 == 0)
            == (reading.method == responses.test)
        ]
    )
    assert "methods are compared without pairs" in unpaired
    assert "Incomplete pairs" not in unpaired
    paired = said(responses.readings[:-1])
    assert "Incomplete pairs of answers: " in paired
    assert "without pairs" not in paired
