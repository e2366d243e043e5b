"""The command as people run it: whole output, files, exit status."""

import contextlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.cli import main
from analysis.published import reconstructed_responses_path
from analysis.report.frames import supplementary_tables
from analysis.reproduction import reproduce_paper

GOLDEN = Path(__file__).parents[1] / "golden"
RECONSTRUCTED = str(reconstructed_responses_path())
COUNTS = "1,0\n14,9\n"


@pytest.fixture(scope="module")
def reproduction(tmp_path_factory):
    """Run `reproduce` once; give its folder and what it printed."""
    out = tmp_path_factory.mktemp("reproduce") / "out"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(["reproduce", "--out", str(out)]) == 0
    return out, printed.getvalue()


@pytest.fixture(scope="module")
def reproduced(reproduction):
    return reproduction[0]


@pytest.fixture(scope="module")
def supplement(tmp_path_factory):
    """Folder with Tables S.1 to S.7 as `reproduce` writes them."""
    folder = tmp_path_factory.mktemp("supplement")
    for name, frame in supplementary_tables(reproduce_paper().study).items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


def failing(capsys, *arguments):
    """Run a command that must fail and give the one thing it says."""
    assert main(list(arguments)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (message,) = (
        line for line in printed.err.splitlines() if not line.startswith("  ")
    )
    assert message.startswith("magic-analyze: ")
    assert "Traceback" not in printed.err
    return message


@pytest.mark.slow
def test_reproduce_prints_the_comparison(reproduction):
    out, printed = reproduction
    golden = (GOLDEN / "reproduce.txt").read_text()
    assert printed.replace(str(out.parent), "") == golden


@pytest.mark.slow
def test_reproduce_writes_every_file(reproduced):
    charts = [f"agreement_chart_Q{q}" for q in ("1", "2A", "2B", "2C", "2D", "3", "4")]
    figures = ["agreement_charts", "forest", "power"]
    tables = ["table1", *(f"table_s{n}" for n in range(1, 8))]
    expected = {
        "results.json",
        "report.docx",
        "report.html",
        "reconstructed_responses.csv",
        "questionnaire.json",
        "agreement_chart_by_question.pdf",
        *(f"{figure}.{kind}" for figure in figures for kind in ("png", "svg", "pdf")),
        *(f"{chart}.{kind}" for chart in charts for kind in ("png", "svg")),
        *(f"{table}.{kind}" for table in tables for kind in ("csv", "tex")),
    }
    assert {path.name for path in reproduced.iterdir()} == expected
    assert all(path.stat().st_size > 50 for path in reproduced.iterdir())
    assert (reproduced / "forest.png").read_bytes()[:4] == b"\x89PNG"
    assert (reproduced / "forest.pdf").read_bytes()[:4] == b"%PDF"
    pages = (reproduced / "agreement_chart_by_question.pdf").read_bytes()
    assert len(re.findall(rb"/Type /Page\b", pages)) == 7


@pytest.mark.slow
def test_report_on_the_reconstruction_gives_what_reproduce_gives(
    reproduced, tmp_path, capsys
):
    assert main(["report", RECONSTRUCTED, "--out", str(tmp_path / "out")]) == 0
    one, other = (
        json.loads((folder / "results.json").read_text())
        for folder in (reproduced, tmp_path / "out")
    )
    assert one["questions"] == other["questions"]
    for question, counts in one["counts_by_reader"].items():
        assert other["counts_by_reader"][question] == counts
    for number in range(1, 8):
        name = f"table_s{number}.csv"
        assert (reproduced / name).read_text() == (tmp_path / "out" / name).read_text()
    assert "Reconstructed data" in capsys.readouterr().out


@pytest.mark.slow
def test_report_on_another_scale_with_everything_incomplete(tmp_path, capsys):
    (tmp_path / "questionnaire.json").write_text(
        json.dumps(
            {
                "questions": [
                    {
                        "id": "noise",
                        "text": "Noise?",
                        "scale": [
                            {"code": "low"},
                            {"code": "high", "requires_reason": True},
                        ],
                    }
                ]
            }
        )
    )
    responses = tmp_path / "responses.csv"
    responses.write_text(
        "reader,case,method,noise\nA,1,real,low\nA,1,fake,high\nA,2,real,low\n"
    )
    arguments = ["--reference", "real", "--test", "fake", "--confidence-level", "0.9"]
    out = ["--out", str(tmp_path / "out"), "--incomplete", "disagree"]
    assert main(["report", str(responses), *arguments, *out]) == 0
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    assert content["questions"]["noise"]["percent_agreement"]["n"] == 2
    assert content["confidence_level"] == 0.9
    assert len(content["notes"]) == 2
    assert "2 incomplete readings:" in capsys.readouterr().out
    assert "Noise?" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.slow
def test_a_study_without_any_complete_pair_still_has_a_report(tmp_path):
    responses = tmp_path / "responses.csv"
    scale = [{"code": 1, "label": "fine"}, {"code": 0, "label": "poor"}]
    asked = {"questions": [{"id": "Q1", "text": "CBF?", "scale": scale}]}
    (tmp_path / "questionnaire.json").write_text(json.dumps(asked))
    responses.write_text("reader,case,method,Q1\nR1,c1,RAPID,\nR1,c1,MAGIC,1\n")
    assert main(["report", str(responses), "--out", str(tmp_path / "out")]) == 0
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    assert content["questions"]["Q1"]["percent_agreement"]["estimate"] is None
    assert content["questions"]["Q1"]["cohen_kappa"]["undefined_reason"]


@pytest.mark.slow
def test_reasons_are_kept(tmp_path):
    scale = [{"code": 1, "label": "fine"}, {"code": 0, "requires_reason": True}]
    asked = {"questions": [{"id": "Q2C", "text": "MTT?", "scale": scale}]}
    (tmp_path / "questionnaire.json").write_text(json.dumps(asked))
    responses = tmp_path / "responses.csv"
    responses.write_text(
        "reader,case,method,Q2C,Q2C_reason\nR1,c1,RAPID,1,\nR1,c1,MAGIC,0,=cmd()\n"
    )
    assert main(["report", str(responses), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "reasons.csv").read_text().splitlines()[1] == (
        "Q2C,R1,c1,MAGIC,0,'=cmd()"
    )


def test_table_prints_every_statistic(supplement, capsys):
    assert main(["table", str(supplement / "table_s7.csv")]) == 0
    printed = capsys.readouterr().out
    assert "140 pairs, 77 agree" in printed
    assert "0.298 [0.176, 0.421]" in printed
    assert "Stuart-Maxwell (equal margins)      2.348   4  0.672" in printed


def test_table_as_json(tmp_path, capsys):
    path = tmp_path / "counts.csv"
    path.write_text("104,13\n14,9\n")
    assert main(["table", str(path), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["cohen_kappa"]["estimate"] == pytest.approx(0.285174, abs=5e-7)
    assert content["mcnemar_mid_p"]["p_value"] == pytest.approx(0.850554, abs=5e-7)


def test_table_says_why_kappa_carries_no_information(tmp_path, capsys):
    path = tmp_path / "counts.csv"
    path.write_text("133,7\n0,0\n")
    assert main(["table", str(path)]) == 0
    assert "Kappa: the reference method always drew" in capsys.readouterr().out


Q2C = ["--rows", "113,4,23", "--columns", "101,9,30", "--agree", "106"]


def test_recover_lists_the_tables(capsys):
    assert main(["recover", *Q2C, "--kappa-ci", "0.207,0.517"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "6 tables fit"
    assert len(printed) == 7
    assert main(["recover", *Q2C]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "65 tables fit"


def test_recover_takes_a_negative_limit_and_json(capsys):
    known = ["--rows", "129,8,3", "--columns", "124,15,1", "--agree", "116"]
    assert main(["recover", *known, "--kappa-ci", "-0.119,0.1885", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [[[115, 13, 1], [7, 1, 0], [2, 1, 0]]]


def test_recover_by_reader_leaves_one_table_of_q2c(supplement, capsys):
    by_reader = ["--by-reader", str(supplement / "table_s4.csv"), "--agree", "106"]
    assert main(["recover", *by_reader, "--kappa-ci", "0.207,0.517"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "1 table fits\n   1  [[92, 7, 14], [2, 0, 2], [7, 2, 14]]"
    )
    assert "Doctor 7: [[16, 0, 1]" in printed
    assert main(["recover", *by_reader]) == 0
    assert capsys.readouterr().out.startswith("11 tables fit")


def test_recover_says_when_nothing_fits(capsys):
    assert main(["recover", "--rows", "5,5", "--columns", "5,5", "--agree", "9"]) == 0
    assert capsys.readouterr().out == "No table fits\n"


@pytest.mark.slow
def test_power_of_the_papers_margins(tmp_path, capsys):
    assert main(["power", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "7 readers x 20 cases = 140 pairs" in printed
    assert "Donner-Eliasziw goodness of fit            65  98.5%" in printed
    assert "Q2B\nkappa 0.35 cannot be reached with these margins" in printed
    assert "\n\nMargins of the paper's seven questions, since --counts gave" in printed
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"power.json", "power.png", "power.svg", "power.pdf"}


@pytest.mark.slow
def test_power_of_own_margins_with_clustering(tmp_path, capsys):
    path = tmp_path / "counts.csv"
    path.write_text("40,10\n8,42\n")
    arguments = ["--counts", str(path), "--icc", "0.1", "--kappa", "0.5"]
    assert main(["power", *arguments]) == 0
    assert "worth 87.5 independent pairs" in capsys.readouterr().out
    assert main(["power", *arguments, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["asked"]["icc"] == 0.1
    interval, *formulas = content["figures"]["counts"]
    assert interval["formulation"] == "Interval of the report"
    assert len(formulas) == 4


@pytest.mark.slow
def test_words_in_place_of_numbers_are_explained(tmp_path, capsys):
    path = tmp_path / "counts.csv"
    path.write_text("40,10\n8,42\n")
    arguments = ["--counts", str(path), "--readers", "2", "--cases", "4"]
    assert main(["power", *arguments, "--power", "0.99"]) == 0
    printed = capsys.readouterr().out
    assert f"Margins of {path}" in printed
    assert "Detectable kappa none: no kappa that the margins allow" in printed
    assert "Holds up to ICC too few pairs: for a power of 99%" in printed
    assert "undefined" not in printed
    assert main(["power", "--counts", str(path), "--kappa", "0.6"]) == 0
    assert "too few pairs" not in capsys.readouterr().out


BAD_TABLES = {
    "negative": "1,-2\n3,4\n",
    "fractional": "1,2.5\n3,4\n",
    "no number": "1,two\n3,4\n",
    "not square": "1,2,3\n4,5,6\n",
    "one cell": "5\n",
    "ragged": "1,2\n3\n",
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_tables_are_one_sentence(tmp_path, capsys, name):
    path = tmp_path / "counts.csv"
    path.write_text(BAD_TABLES[name])
    failing_or_listed(capsys, "table", str(path))


def failing_or_listed(capsys, *arguments):
    """Fail with one sentence, or with a list of faults, one a line."""
    assert main(list(arguments)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "magic-analyze: " in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recover", "--bogus"], "No such option: --bogus"),
        (["recover", *Q2C[:-1], "x"], "Invalid value for '--agree'"),
        (["recover", "--agree", "3"], "Give --rows and --columns"),
        (["recover", *Q2C, "--kappa-ci", "0.2"], "two numbers with a comma"),
        (["recover", *Q2C, "--kappa-ci", "a,b"], "must be finite, got 'a'"),
        (["recover", "--rows", "1;2", *Q2C[2:]], "whole numbers with commas"),
        (["recover", "--rows", "1,2,3", *Q2C[2:]], "one sum, got 6 and 140"),
        (["power", "--alpha", "5"], "Alpha must be between 0 and 1, got 5"),
        (["power", "--kappa", "nan"], "must differ"),
        (["power", "--power", "80"], "Power must be between 0 and 1, got 80"),
        (["power", "--readers", "0"], "got 0 readers"),
        (["table", "nowhere.csv"], "nowhere.csv: No such file or directory"),
        (["report", "nowhere.csv", "--out", "x"], "nowhere.csv: No such file"),
        (["report", RECONSTRUCTED], "Missing option '--out'"),
        (
            ["report", RECONSTRUCTED, "--out", "x", "--confidence-level", "95"],
            "Confidence level must be between 0 and 1, got 95",
        ),
        (["report", RECONSTRUCTED, "--out", "x", "--jobs", "0"], "1 or more, got 0"),
        (
            ["report", RECONSTRUCTED, "--out", "x", "--incomplete", "guess"],
            "Invalid value for '--incomplete'",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    assert message in failing(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_method_names_those_of_the_file_and_what_to_type(tmp_path, capsys):
    arguments = ["report", RECONSTRUCTED, "--out", str(tmp_path / "out")]
    assert main([*arguments, "--test", "GAN"]) == 2
    printed = capsys.readouterr().err
    held = "RAPID (140 readings, the first on line 2), MAGIC (140 readings, the first"
    assert held in printed
    assert "not GAN: name two to compare, such as --reference RAPID --test" in printed
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_a_file_is_refused(tmp_path, capsys):
    path = tmp_path / "out"
    path.write_text("precious")
    assert "is a file" in failing(capsys, "report", RECONSTRUCTED, "--out", str(path))
    assert path.read_text() == "precious"


def test_an_unattainable_kappa_is_refused_with_the_maximum(tmp_path, capsys):
    path = tmp_path / "counts.csv"
    path.write_text("127,6,5\n2,0,0\n0,0,0\n")
    message = failing(capsys, "power", "--counts", str(path))
    assert "the maximum is 0.295" in message


def test_power_of_three_raters_of_each_case(capsys):
    asked = ["--raters", "3", "--kappa", "0.6", "--null", "0.4", "--shares", "2,3"]
    assert main(["power", *asked, "--cases", "80"]) == 0
    assert "3 raters of each case, answers 0.4, 0.6; " in capsys.readouterr().out
    assert main(["power", *asked, "--cases", "80", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["model"] == "mixture"
    # With as many cases as are needed, the power is the one wanted.
    assert main(["power", *asked, "--cases", str(found["cases_needed"]), "--json"]) == 0
    assert 0.8 <= json.loads(capsys.readouterr().out)["power"] < 0.81


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--raters", "1"], "2 raters or more, got 1"),
        (["--raters", "3", "--margin", "0.1", "--icc", "0.2"], "got --margin, --icc"),
        (["--raters", "3", "--cases", "10,20"], "one number of 1 or more"),
        (["--raters", "3", "--cases", "0"], "one number of 1 or more"),
        (["--raters", "3", "--kappa", "-0.5"], "cannot be -0.5"),
        (["--raters", "3", "--shares", "1,0"], "two or more numbers above 0"),
        (["--raters", "3", "--shares", ".5,.6"], "got 0.5, 0.6 with the sum 1.1"),
        (["--shares", ".5,.6"], "Shares must sum to 1, or be counts in whole"),
    ],
)
def test_what_cannot_be_asked_of_raters_is_refused(given, message, capsys):
    assert message in failing(capsys, "power", *given)


def test_an_empty_table_has_no_margins(tmp_path, capsys):
    path = tmp_path / "counts.csv"
    path.write_text("0,0\n0,0\n")
    assert "holds no pairs" in failing(capsys, "power", "--counts", str(path))


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from analysis.cli import main; main(['--help']); "
        "heavy = {'numpy', 'scipy', 'pandas', 'matplotlib'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "reproduce" in run.stdout
