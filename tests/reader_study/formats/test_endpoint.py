import re
from pathlib import Path

import pytest

import reader_study
from reader_study.errors import StudyError
from reader_study.formats.checking import FormatError, parse_toml
from reader_study.formats.endpoint import Endpoint, understood
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.plan_check import check_plan
from reader_study.formats.protocol import protocol_of, template
from reader_study.formats.questionnaire import paper_questionnaire, read_questionnaire

Q = paper_questionnaire()
TEMPLATES = Path(reader_study.__file__).parent / "templates"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"claim": "differs"}, "claim must be at_least or estimate of kappa, got diff"),
        ({"claim": "at_least"}, "above must be from -1 to below 1 of kappa, got noth"),
        (
            {"claim": "at_least", "above": 1},
            "above must be from -1 to below 1 of kappa",
        ),
        ({"above": 0.4}, "above must be left out where the claim is estimate, got 0.4"),
        ({"margin": 0.1}, "margin must be left out where the claim is estimate"),
        ({"weights": "linear"}, "weights must be left out of kappa, got linear"),
        ({"measure": "kapa"}, "measure must be agreement, kappa, weighted_kappa"),
        ({"question": " "}, "question must not be empty"),
        ({"threshold": 1}, "threshold is unknown"),
        (
            {"measure": "shift", "between": "readers"},
            "between must be methods of shift, got readers",
        ),
        (
            {"measure": "weighted_kappa", "between": "readers"},
            "between must be methods of weighted_kappa, got readers",
        ),
        ({"method": "CT"}, "method must be left out of kappa between methods, got 'CT"),
        (
            {"measure": "share_acceptable", "claim": "at_least", "above": -0.1},
            "above must be from 0 to below 1 of share_acceptable, got -0.1",
        ),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused(given, message):
    with pytest.raises(FormatError, match=re.escape(message)):
        Endpoint(**{"question": "Q3", "measure": "kappa", **given})


@pytest.mark.parametrize(
    ("measure", "margin", "fits"),
    [("turing", 0.5, False), ("turing", 0.4, True), ("acceptability", 1.0, False),
     ("acceptability", 0.0, False), ("shift", 1.5, True)],
)  # fmt: skip
def test_margins_are_within_what_the_measure_can_be(measure, margin, fits):
    given = {"question": "Q1", "measure": measure, "claim": "equivalent"}
    if fits:
        assert Endpoint(**given, margin=margin).margin == margin
    else:
        with pytest.raises(FormatError, match=f"of {measure}, got {margin:g}"):
            Endpoint(**given, margin=margin)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Cohen's kappa between the two methods on Q3", ("Q3", "kappa")),
        ("Agreement (Cohen\u2019s kappa) of Q3.", ("Q3", "kappa")),
        ("Percent agreement on Q2A", ("Q2A", "agreement")),
        ("Quadratic weighted kappa, Q4", ("Q4", "weighted_kappa")),
        ("Non-inferiority of Q2B: acceptable", ("Q2B", "acceptability")),
        ("Kappa on Q1 and Q3", None),
        ("Kappa and Gwet's AC1 on Q3", None),
        ("Kappa", None),
        ("Area under the curve (AUC) of Q4", ("Q4", "auc")),
        ("Sensitivity on Q3", ("Q3", "sensitivity")),
        ("Predictive value on Q3", None),
        ("kappa on Q33", None),
        ("", None),
    ],
)
def test_words_are_understood_where_they_name_one_question_and_measure(text, found):
    endpoint = understood(text, Q.ids)
    if found is None:
        assert endpoint is None
    else:
        assert (endpoint.question, endpoint.measure, endpoint.claim) == (
            *found,
            "estimate",
        )


def test_linear_weights_are_understood():
    assert understood("Linearly weighted kappa on Q4", Q.ids).weights == "linear"


@pytest.mark.parametrize(
    ("text", "between"),
    [
        ("Fleiss' kappa between readers on Q3", "readers"),
        ("Inter-reader agreement, Q3", "readers"),
        ("Interrater kappa of Q3", "readers"),
        ("Intra-reader kappa of Q3", "readings"),
        ("Kappa of first and second reading of Q3", "readings"),
        ("Kappa of the readers between the methods on Q3", "methods"),
        ("Weighted kappa between readers on Q3", None),
    ],
)
def test_words_say_whose_answers_are_compared(text, between):
    found = understood(text, Q.ids)
    assert (found and found.between) == between


def test_a_plan_names_which_methods_are_compared():
    every = ("US", "CT", "MR")
    plan = AnalysisPlan(reference="CT", test="US")
    assert plan.compared_in(every) == (("CT", "US"),)
    # Its test method is not there: every other one.
    unnamed = AnalysisPlan(reference="CT")
    assert unnamed.compared_in(every) == (("CT", "US"), ("CT", "MR"))
    several = AnalysisPlan(reference="CT", tests=("MR ", "US", "PET"))
    assert several.compared_in(every) == (("CT", "MR"), ("CT", "US"))
    assert AnalysisPlan(reference="CT", tests=("PET",)).compared_in(every) == ()
    assert AnalysisPlan(reference="RAPID").compared_in(every) == ()
    assert plan.compared_in(("CT",)) == ()


def checked(table):
    text = template()[: template().index("[analysis]")] + "[analysis]\n" + table
    source = parse_toml(text, "study.toml")
    check_plan(protocol_of(source), Q, source)


LINE = 'endpoints = [\n  {question = "Q3", measure = "%s"%s},\n]'


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('primary = {question = "Q9", measure = "kappa"}',
         "line 49: analysis.primary.question must be one of Q1, Q2A"),
        ('primary = {question = "Q3", measure = "turing"}',
         "analysis.primary.question must have codes 1 (real) and 0 for turing, got Q3"),
        ('primary = {question = "Q3"}', "analysis.primary.measure must be given"),
        ("primary = 3", "analysis.primary must be a text or a table, got 3"),
        (LINE % ("kappas", ""), "analysis.endpoints[0].measure must be agreement, kap"),
        (LINE % ("shift", ', claim = "equivalent"'),
         "analysis.endpoints[0].margin must be given where the claim is equivalent"),
        (LINE % ("acceptability", "") + "\nacceptable_codes = [1, 9]",
         "analysis.acceptable_codes must be codes of Q2A"),
        ('[[analysis.endpoints]]\nquestion = "Q1"\nmeasure = "turing"\n'
         'claim = "equivalent"', "endpoints[0].margin must be given"),
        (LINE % ("weighted_kappa", ', weights = "own"'),
         "endpoints[0].weights must be in [analysis.weights] for "),
        ('multiplicity = "bonferroni"',
         "analysis.multiplicity must be holm, fixed_sequence or none"),
        ('primary = {question = "Q3", measure = "kappa"}\n' + LINE % ("kappa", ""),
         "endpoints[0] must be named once, got kappa of Q3 again"),
        ('primary = {question = "Q3", measure = "kappa", between = "readers"}',
         "primary.method must be RAPID or MAGIC of what is about one method, got noth"),
        ('primary = {question = "Q2A", measure = "share_acceptable", method = "CT"}',
         "primary.method must be RAPID or MAGIC of what is about one method, got 'CT'"),
    ],
)  # fmt: skip
def test_a_build_refuses_what_a_report_could_not_answer(table, message):
    with pytest.raises(StudyError, match=re.escape(message)):
        checked(table)


def test_a_build_takes_an_endpoint_about_one_of_its_methods():
    checked('primary = {question = "Q2A", measure = "share_acceptable", '
            'method = "MAGIC", claim = "at_least", above = 0.8}')  # fmt: skip


def test_the_plans_margin_is_that_of_an_endpoint_without_one():
    checked(
        "non_inferiority_margin = 0.1\nequivalence_margin = 0.2\nendpoints = [\n"
        '{question = "Q2A", measure = "acceptability", claim = "non_inferior"},\n'
        '{question = "Q1", measure = "turing", claim = "equivalent"},\n]'
    )
    of_chance = Endpoint(question="Q1", measure="turing", claim="equivalent")
    plan = AnalysisPlan(equivalence_margin=0.2, endpoints=(of_chance,))
    assert plan.margin_of(of_chance) == 0.2
    own = Endpoint(question="Q1", measure="turing", claim="equivalent", margin=0.3)
    assert plan.margin_of(own) == 0.3


def test_a_plan_without_a_list_plans_what_its_margins_are_for():
    plan = AnalysisPlan(non_inferiority_margin=0.1, equivalence_margin=0.2)
    family = plan.family(["Q1", "Q2A", "Q2C", "Q3"])
    assert [(one.question, one.claim) for one in family] == [
        ("Q1", "equivalent"),
        ("Q2A", "non_inferior"),
        ("Q2C", "non_inferior"),
    ]
    assert AnalysisPlan().family(["Q1", "Q2A"]) == ()
    first = Endpoint(question="Q2A", measure="acceptability", claim="non_inferior")
    plan = AnalysisPlan(non_inferiority_margin=0.1, primary=first)
    assert [one.question for one in plan.family(["Q2A", "Q2B"])] == ["Q2B"]


ASKED = read_questionnaire(TEMPLATES / "preference.json")


def checked_display(primary, display="side by side", asked=ASKED):
    text = (TEMPLATES / "preference.toml").read_text()
    start = text[: text.index("[analysis]")].replace('"side by side"', f'"{display}"')
    source = parse_toml(f"{start}[analysis]\nprimary = {primary}\n", "study.toml")
    check_plan(protocol_of(source), asked, source)


def test_what_is_planned_of_several_pictures_fits_the_display():
    preferred = '{question = "Q1", measure = "preferred", claim = "differs"}'
    found = '{question = "Q1", measure = "found", claim = "differs"}'
    checked_display(preferred)
    checked_display(found, "choice")
    for primary, display, message in (
        (found, "side by side", "must be preferred where the display is side by side"),
        (preferred, "choice", "must be found where the display is choice, got pref"),
        (preferred.replace("preferred", "acceptability"), "side by side",
         "must be measured by found or preferred, got Q1, which has type which"),
    ):  # fmt: skip
        with pytest.raises(FormatError, match=message):
            checked_display(primary, display)
    wrong = preferred.replace("Q1", "Q3")
    with pytest.raises(FormatError, match="must be of the pictures of a display, got"):
        checked_display(wrong, asked=Q)
