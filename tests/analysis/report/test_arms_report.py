"""Reports of studies of one method, of several, and of cases read again."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest

import analysis
from analysis.cli import main
from analysis.report.arms import content, sections, writing
from analysis.report.arms.front import front_of
from reader_study.formats.questionnaire import paper_questionnaire
from reader_study.rehearsal.bots import SimulationPlan, draw_answers

ASKED = paper_questionnaire()
DRAWN = draw_answers(
    ASKED, SimulationPlan(kappa=0.7), (5, 16), rng=np.random.default_rng(1)
)


def rows(method, place, *, repeat=1, cases=16, readers=5):
    for reader in range(readers):
        for case in range(cases):
            answers = {q: codes[reader, case, place] for q, codes in DRAWN.items()}
            names = {"reader": f"R{reader + 1}", "case": f"c{case + 1}"}
            yield names | {"method": method, "repeat": repeat} | answers


ONE = [*rows("CT", 0)]
AGAIN = [*ONE, *rows("CT", 1, repeat=2, cases=8)]
THREE = [*rows("CT", 0), *rows("MR", 1), *rows("US", 1, readers=4)]
ALONE = [*rows("CT", 0, readers=1), *rows("CT", 1, repeat=2, readers=1)]


@pytest.fixture
def write(tmp_path):
    def to_file(readings, name="responses.csv"):
        path = tmp_path / name
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(readings[0]))
            writer.writeheader()
            writer.writerows(readings)
        return path

    return to_file


@pytest.fixture
def page_of():
    """Give the words of the page, without its figures."""

    def render(study):
        made = sections.sections_of(study.results)
        first = front_of(study.results)
        pictures = {p.name: b"" for p in writing.pictures_of(made, first)}
        return writing.page(study.results, made, pictures, first)

    return render


def test_a_file_of_one_method_is_a_study_of_its_readers(write):
    study = analysis.read_study(write(ONE))

    assert isinstance(study, analysis.ArmsStudy)
    assert repr(study) == (
        "ArmsStudy(responses.csv: CT, 5 readers, 16 cases, 0 repeats, questions "
        "Q1, Q2A, Q2B, Q2C, Q2D, Q3, Q4)"
    )
    frame = study.table_one()
    assert frame["Question"].tolist() == list(study.questions)
    assert frame["Answers"].tolist() == ["80"] * 7
    assert "Fleiss' kappa [95% CI]" in frame
    assert "Q2A" in study._repr_html_()
    with pytest.raises(ValueError, match="must have been read again, got none under"):
        study.pairs("Q1")
    with pytest.raises(ValueError, match="must have been read again"):
        study.table_of_repeats()


def test_nothing_on_the_page_of_one_method_is_undefined(write, page_of):
    study = analysis.read_study(write(ONE))
    page = page_of(study)

    assert "undefined" not in page
    assert "5 readers rated 16 patients under CT: 80 readings." in page
    assert "Two readers give the same answer to" in page
    assert re.findall(r'<h2 id="([\w-]+)">', page) == [
        "primary", "all-questions", "deviations", "between", "methods", "data",
        "answers", "reader_by_reader", "coefficients", "checklist",
    ]  # fmt: skip
    # Labels, not codes, and each source once.
    assert '<th scope="col">Indeterminate</th>' in page
    assert page.count("Measuring nominal scale agreement among many raters") == 1


def test_every_number_of_one_method_is_in_results_json(write):
    study = analysis.read_study(write(AGAIN), confidence_level=0.9)
    written = json.loads(json.dumps(content.arms_json(study.results), allow_nan=False))

    assert (written["schema"], written["contrasts"]) == (2, [])
    arm = written["arms"]["CT"]
    assert (arm["n_cases"], arm["n_readings"], arm["n_repeats"]) == (16, 80, 40)
    of_q3 = arm["questions"]["Q3"]
    assert np.sum(of_q3["counts_by_reader"]) == of_q3["n_answers"] == 80
    kappa = of_q3["between_readers"]["fleiss_kappa"]
    fixed = of_q3["between_readers"]["these_readers"]["fleiss_kappa"]
    assert kappa["estimate"] == fixed["estimate"]
    assert kappa["standard_error"] > fixed["standard_error"]
    shown = study.table_one().set_index("Question").loc["Q3", "Fleiss' kappa [90% CI]"]
    assert shown == f"{kappa['estimate']:.3f} [{kappa['low']:.3f}, {kappa['high']:.3f}]"
    within = of_q3["within_reader"]
    pairs = study.pairs("Q3")
    assert within["counts"] == pairs.table.counts.tolist()
    assert within["cohen_kappa"]["estimate"] == analysis.clustered_kappa(pairs).estimate
    assert list(within["by_reader"]) == ["R1", "R2", "R3", "R4", "R5"]
    assert list(of_q3["reader_by_reader"]["R1"]["cohen_kappa"]) == [
        "R2",
        "R3",
        "R4",
        "R5",
    ]


def test_first_and_second_readings_have_their_part(write, page_of):
    study = analysis.read_study(write(AGAIN))
    page = page_of(study)

    assert "80 readings, and 40 repeat readings." in page
    assert "5 readers read 40 times a case again. Kappa of first and second" in page
    table = study.table_of_repeats()
    assert table["Pairs"].tolist() == ["40"] * 7
    # What readers agree on with one another is that of their first readings.
    alone = analysis.read_study(write(ONE, "one.csv"))
    assert study.table_one().equals(alone.table_one())


def test_one_reader_can_be_compared_with_himself_only(write, page_of):
    study = analysis.read_study(write(ALONE))

    assert study.table_one().equals(study.table_of_repeats())
    page = page_of(study)
    assert "One reader read 16 times a case again." in page
    assert "readers and patients random" not in page
    assert "reader_by_reader" not in page
    assert content.arms_json(study.results)["arms"]["CT"]["questions"]["Q1"][
        "between_readers"
    ] is None  # fmt: skip


def test_readers_of_different_patients_have_no_figure_of_nothing(write, page_of):
    apart = [row for n, row in enumerate(ONE) if row["case"] == f"c{1 + n // 16}"]
    assert len(apart) == 5
    study = analysis.read_study(write(apart))
    page = page_of(study)
    assert "No patient has answers of two readers." in page
    assert not sections.sections_of(study.results)[0].pictures


def test_a_rare_answer_is_cautioned(write, page_of):
    rare = [row | {"Q1": int(n % 20 > 0)} for n, row in enumerate(ONE)]
    page = page_of(analysis.read_study(write(rare)))
    assert "One answer takes most in Q1 (76 times Yes): there the intervals of" in page


def test_readers_who_all_agree_have_no_kappa_and_a_reason(write, page_of):
    alike = [row | {"Q1": 1} for row in ONE]
    study = analysis.read_study(write(alike))
    frame = study.table_one()
    assert frame.loc[0, "Fleiss' kappa [95% CI]"] == "undefined [no interval]"
    # A case counts once: Wilson's interval of 16 of 16, by t of 15.
    t = 2.13145
    low = 100 * 16 / (16 + t**2)
    assert frame.loc[0, "Agreement [95% CI]"] == f"100.0% [{low:.1f}%, 100.0%]"
    page = page_of(study)
    assert "Q1: every answer is the same, so chance alone gives perfect" in page


def test_three_methods_are_named_with_what_to_type(write):
    path = write(THREE)
    with pytest.raises(ValueError, match=r"--reference CT --test MR, or take --every"):
        analysis.read_study(path)
    two = analysis.read_study(path, reference="US", test="CT")
    assert isinstance(two, analysis.Study)
    assert two.pairs("Q1").n == 64
    assert two.responses.notes[0] == "MR: readings left out, 80"


def test_a_third_method_beside_the_planned_two_is_not_left_out_unasked(write):
    path = write([*rows("RAPID", 0), *rows("MAGIC", 1), *rows("MAGCI", 1, cases=1)])
    with pytest.raises(ValueError, match=r"MAGCI \(5 readings, the first on line 162"):
        analysis.read_study(path)


def test_every_method_alone_is_as_in_a_file_of_its_own(write):
    of_all = content.arms_json(analysis.read_arms(write(THREE)).results)["arms"]
    us = [row for row in THREE if row["method"] == "US"]
    alone = content.arms_json(analysis.read_study(write(us, "us.csv")).results)
    assert of_all["US"] == alone["arms"]["US"]
    assert of_all["US"]["n_readings"] == 64


def test_every_method_alone_and_every_two(write, page_of):
    study = analysis.read_arms(write(THREE))
    written = content.arms_json(study.results)

    assert list(written["arms"]) == ["CT", "MR", "US"]
    compared = [(c["reference"], c["test"]) for c in written["contrasts"]]
    assert compared == [("CT", "MR"), ("CT", "US"), ("MR", "US")]
    # MR and US are the same readings, US without one reader.
    same = written["contrasts"][2]["questions"]["Q2A"]
    assert (same["n_pairs"], same["percent_agreement"]["estimate"]) == (64, 1.0)
    two = analysis.read_study(study.path, reference="CT", test="MR")
    first = written["contrasts"][0]["questions"]["Q3"]["cohen_kappa"]
    assert first["estimate"] == analysis.clustered_kappa(two.pairs("Q3")).estimate
    assert study.table_one()["Method"].tolist() == ["CT", "MR", "US"] * 7
    assert "Agreement between methods" in page_of(study)
    with pytest.raises(
        ValueError, match=r"method one of CT, MR, US, got 'Q1' and None"
    ):
        study.pairs("Q1")


def test_what_cannot_agree_is_refused(write):
    with pytest.raises(ValueError, match=r"must hold readings that can agree: of two"):
        analysis.read_study(write([*rows("CT", 0, readers=1)]))


def test_reconstructed_cases_say_how_often_but_not_who_agrees(write, page_of):
    path = write([row | {"reconstructed": 1} for row in ONE])
    page = page_of(analysis.read_study(path))
    assert "Not analysed. The readings were reconstructed" in page
    assert "Indeterminate" in page


def test_the_command_says_what_is_missing(write, tmp_path, capsys):
    three = str(write(THREE))
    out = ["--out", str(tmp_path / "out")]
    assert main(["report", three, *out]) == 2
    assert "holds the methods CT (80 readings, the first on line 2), MR (80 read" in (
        capsys.readouterr().err
    )
    assert main(["report", three, *out, "--every-method", "--test", "CT"]) == 2
    assert "--every-method takes no --reference" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_report_of_one_method_is_complete(write, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["report", str(write(AGAIN)), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "First and second reading" in printed
    names = {path.name for path in out.iterdir()}
    assert {"results.json", "report.html", "report.docx", "table1.csv"} <= names
    for name in ("forest", "answers", "forest_repeats"):
        assert {f"{name}.png", f"{name}.svg", f"{name}.pdf"} <= names
    assert {"repeat_readings.csv", "with_others.tex", "coefficients.csv"} <= names
    assert main(["report", str(tmp_path / "responses.csv"), "--every-method",
                 "--out", str(tmp_path / "every")]) == 0  # fmt: skip
    assert (out / "table1.csv").read_text() == (
        tmp_path / "every" / "table1.csv"
    ).read_text()


def test_three_methods_are_tested_at_once_before_any_two(write, page_of, tmp_path):
    plan = {
        "schema": 1, "reference": "CT", "tests": ["MR", "US"], "test": "MR",
        "analysis": {"acceptability_questions": ["Q2A"], "ordinal_questions": ["Q3"]},
    }  # fmt: skip
    path = write(THREE)
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    study = analysis.read_study(path)

    found = content.arms_json(study.results)["inference"]["overall"]

    assert found["refused"] is None
    assert set(found) == {"refused", "Q1", "Q2A", "Q3"}
    assert found["Q2A"]["customary"]["test"] == "Cochran's Q"
    assert found["Q2A"]["n_blocks"] == 4 * 16  # of four readers under US
    assert [pair["methods"] for pair in found["Q3"]["pairs"]] == [
        ["CT", "MR"], ["CT", "US"], ["MR", "US"],
    ]  # fmt: skip
    for pair in found["Q3"]["pairs"]:
        if pair["adjusted_p_value"] is not None:
            assert pair["adjusted_p_value"] >= found["Q3"]["p_value"]
    assert "All methods at once" in page_of(study)
    two = analysis.read_arms(write([*rows("CT", 0), *rows("MR", 1)], "two.csv"))
    assert "overall" not in content.arms_json(two.results)["inference"]


def test_methods_stand_in_the_order_of_the_plan_and_not_of_the_file(write):
    study = analysis.read_arms(write(THREE))
    plan = replace(study.plan, reference="US", tests=("MR", "CT"))
    found = replace(study, plan=plan).results

    assert [arm.method for arm in found.arms] == ["US", "MR", "CT"]
    assert [(pair.reference, pair.test) for pair in found.contrasts] == [
        ("US", "MR"), ("US", "CT"), ("MR", "CT"),
    ]  # fmt: skip
