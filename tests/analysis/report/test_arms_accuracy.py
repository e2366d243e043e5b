"""Accuracy in the report of a study by method: every method, and every two."""

import csv
import json

import numpy as np
import pytest

import analysis
from analysis.questions.accuracy import accuracies_of
from analysis.report.arms import accuracy
from analysis.report.arms.results import ArmsContext, ArmsResults, analyse_arms
from analysis.report.arms.writing import write_arms_report
from reader_study.formats.arms import read_arms
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.questionnaire import paper_questionnaire

PLAN = AnalysisPlan(rating="Q4", threshold=3, accuracy_margin=0.1)
SHIFT = {"CT": 2.4, "MR": 0.3, "US": 2.2}
METHODS = tuple(SHIFT)
PAIRS = [("CT", "MR"), ("CT", "US"), ("MR", "US")]
READERS, CASES = 4, 60


def _readings(methods=METHODS, left_out=()):
    rng = np.random.default_rng(4)
    of_case = rng.normal(size=CASES)
    for reader in range(READERS):
        for case in range(CASES):
            for method in methods:
                if (reader, method) in left_out:
                    continue
                seen = 0.6 * of_case[case] + rng.normal() + SHIFT[method] * (case % 2)
                answers = dict.fromkeys(("Q1", "Q2A", "Q2B", "Q2C", "Q2D", "Q3"), 1)
                yield {
                    "reader": f"R{reader + 1}",
                    "case": f"c{case + 1}",
                    "method": method,
                    **answers,
                    "Q4": int(np.clip(np.round(seen + 2), 1, 5)),
                    "truth": case % 2,
                    "truth_source": "follow-up",
                }


def _write(path, readings):
    readings = list(readings)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(readings[0]))
        writer.writeheader()
        writer.writerows(readings)
    return path


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arms")

    def of(plan=PLAN, **given):
        path = _write(folder / "responses.csv", _readings(**given))
        return _study(read_arms(path, paper_questionnaire()), plan)

    return of


def _study(arms, plan):
    """Return a study of which nothing but accuracy was analysed."""
    return ArmsResults(
        title="Accuracy",
        context=ArmsContext(arms, plan, 0.95),
        arms=(),
        contrasts=(),
        readers=arms.readers,
        n_cases=CASES,
        accuracy=accuracies_of(arms, plan),
    )


@pytest.fixture(scope="module")
def study(read):
    return read()


def _frame(methods, left_out=()):
    rows = [
        (r["reader"], r["case"], r["method"], r["truth"], r["Q4"])
        for r in _readings(left_out=left_out)
        if r["method"] in methods
    ]
    names = ("reader", "case", "modality", "truth", "rating")
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def test_every_two_methods_are_compared_from_their_ratings_alone(study):
    found = accuracy.accuracy_json(study)
    for metric, cut in (("auc", None), ("sensitivity", 3), ("specificity", 3)):
        said = found[metric]["differences"]
        assert [(one["reference"], one["test"]) for one in said] == PAIRS
        p_values = []
        for one, (reference, test) in zip(said, PAIRS, strict=True):
            frame = _frame((reference, test))
            own = analysis.multireader_accuracy(frame, metric, threshold=cut)
            expected = own.for_decisions().difference(test, reference)
            assert (one["estimate"], one["low"], one["high"]) == pytest.approx(
                (expected.estimate, expected.low, expected.high)
            )
            p_values.append(expected.p_value)
        smallest_first = np.argsort(p_values)
        least = 0.0
        for place, at in enumerate(smallest_first):  # Holm, by hand
            least = max(least, min(1, (3 - place) * p_values[at]))
            assert said[at]["p_holm"] == pytest.approx(least)
        for name in METHODS:
            own = analysis.multireader_accuracy(_frame((name,)), metric, threshold=cut)
            expected = own.for_decisions().modality(name)
            assert found[metric]["methods"][name]["low"] == pytest.approx(expected.low)


def test_it_says_which_methods_differ(study):
    section = accuracy.accuracy_section(study)
    said = " ".join(section.findings)
    assert "Truth (follow-up): 30 diseased (1) and 30 other cases (0)" in said
    assert "Largest difference: MR minus CT -0." in said
    of_auc = "Of 3 pairs of methods 2: MR minus CT, US minus MR differ in AUC"
    assert f"{of_auc} with p < 0.05 after Holm's correction" in said
    assert "Agreement between the methods is not accuracy" in said
    assert "holm" in section.references
    frames = {table.name: table.frame for table in section.tables}
    assert list(frames) == ["accuracy", "accuracy_differences", "accuracy_by_reader"]
    assert len(frames["accuracy_differences"]) == 9
    assert "p (Holm)" in frames["accuracy_differences"]
    assert frames["accuracy"]["Method"].tolist() == list(METHODS)
    assert frames["accuracy_by_reader"].shape == (READERS, 1 + 3 * 3)


def test_a_curve_for_each_method_and_an_interval_for_each_two(study):
    (picture,) = accuracy.accuracy_section(study).pictures
    left, right = picture.draw().axes
    drawn = [line.get_gid() for line in left.lines]
    assert [f"mean-{place}" in drawn for place in range(4)] == [True] * 3 + [False]
    assert drawn.count("readers-2") == READERS
    named = [label.get_text() for label in right.get_yticklabels()]
    assert sorted(named) == sorted(f"{test} - {first}" for first, test in PAIRS)
    legend = [text.get_text() for text in left.get_legend().get_texts()]
    means = accuracy.accuracy_json(study)["auc"]["methods"]
    assert legend == [f"{m}, AUC {means[m]['estimate']:.3f}" for m in METHODS]


def test_readers_who_lack_a_method_leave_its_pairs_with_a_reason(read):
    study = read(left_out={(3, "US")})
    found = accuracy.accuracy_json(study)["auc"]
    assert "every reader" in found["differences"][1]["undefined_reason"]
    assert found["differences"][1]["p_holm"] is None
    assert found["methods"]["US"]["n_readers"] == READERS - 1
    # What cannot be tested counts as one of the three.
    own = found["differences"][0]
    assert own["p_holm"] == pytest.approx(3 * own["p_value"])
    said = " ".join(accuracy.accuracy_section(study).findings)
    assert "not tested: US minus CT, US minus MR" in said
    frame = accuracy.accuracy_section(study).tables[2]
    assert "the reader read nothing under the method" in " ".join(frame.notes)
    assert frame.frame["AUC US"].tolist()[-1] == "undefined"


def test_two_methods_and_one_need_no_correction(read):
    two = accuracy.accuracy_section(read(methods=("CT", "MR")))
    assert "Holm" not in " ".join((*two.findings, *two.methods))
    assert "MR minus CT -0." in " ".join(two.findings)
    one = accuracy.accuracy_section(read(methods=("CT",), plan=PLAN))
    assert [table.name for table in one.tables] == ["accuracy", "accuracy_by_reader"]
    assert len(one.pictures[0].draw().axes) == 1
    assert "Agreement" not in " ".join(one.findings)


def test_where_nothing_can_be_said_there_is_a_reason_or_no_section(read, tmp_path):
    refused = accuracy.accuracy_section(read(plan=AnalysisPlan()))
    assert refused.refused
    assert accuracy.accuracy_json(read(plan=AnalysisPlan())) == {}
    rows = [
        {name: value for name, value in row.items() if not name.startswith("truth")}
        for row in _readings()
    ]
    arms = read_arms(_write(tmp_path / "r.csv", rows), paper_questionnaire())
    study = _study(arms, AnalysisPlan())
    assert accuracy.accuracy_section(study) is None
    assert accuracy.accuracy_json(study) == {}


@pytest.mark.slow
def test_the_report_has_the_section_its_figure_and_its_numbers(tmp_path):
    path = _write(tmp_path / "responses.csv", _readings())
    arms = read_arms(path, paper_questionnaire())
    out = tmp_path / "out"
    write_arms_report(analyse_arms(arms, PLAN, 0.95), out)
    found = json.loads((out / "results.json").read_text())["accuracy"]
    assert [one["test"] for one in found["auc"]["differences"]] == ["MR", "US", "US"]
    page = (out / "report.html").read_text()
    assert '<h2 id="accuracy">' in page
    assert page.index('id="accuracy"') < page.index('id="supplement"')
    assert (out / "roc.png").exists() or (out / "roc.svg").exists()
    assert (out / "accuracy_differences.csv").exists()
