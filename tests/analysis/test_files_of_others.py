"""`tidy`, `report`, `table` on files as people have them: output, exit status."""

import json

import pytest

from analysis.cli import main

QUESTIONNAIRE = {
    "title": "One question",
    "version": "1",
    "questions": [
        {
            "id": "quality",
            "text": "How good is it?",
            "scale": [
                {"code": 1, "label": "Good"},
                {"code": 2, "label": "Fair"},
                {"code": 3, "label": "Poor"},
            ],
        }
    ],
}
WIDE = "reader,case,quality_A,quality_B\nR1,c1,good,2\nR1,c2,3,3\nR2,c1,1,1\nR2,c2,,2\n"
UNDERSTOOD = """\
wide.csv: a row for each reader and case, a column for each method (A, B), \
answers to quality
readings without any answer are left out: 1
Readings 7, readers 2, cases 2, methods A, B

reader  case  method  quality
------  ----  ------  -------
R1      c1    A             1
R1      c1    B             2
R1      c2    A             3
R1      c2    B             3
and 3 more

"""


@pytest.fixture
def wide(tmp_path):
    (tmp_path / "questionnaire.json").write_text(json.dumps(QUESTIONNAIRE))
    path = tmp_path / "wide.csv"
    path.write_text(WIDE)
    return path


def test_tidy_without_out_shows_and_writes_nothing(wide, capsys):
    before = sorted(wide.parent.iterdir())
    assert main(["tidy", str(wide)]) == 0
    assert capsys.readouterr().out == (
        UNDERSTOOD + "Nothing is written; add --out responses.csv if this is right.\n"
    )
    assert sorted(wide.parent.iterdir()) == before


def test_tidy_writes_a_row_for_each_reading_and_says_what_comes_next(wide, capsys):
    out = wide.with_name("responses.csv")
    assert main(["tidy", str(wide), "--out", str(out)]) == 0
    assert capsys.readouterr().out == (
        f"{UNDERSTOOD}Written: {out}\n"
        f"Next: magic-analyze report {out} --reference A --test B --out report\n"
    )
    assert out.read_text() == (
        "reader,case,method,quality\n"
        "R1,c1,A,1\nR1,c1,B,2\nR1,c2,A,3\nR1,c2,B,3\nR2,c1,A,1\nR2,c1,B,1\nR2,c2,B,2\n"
    )


def test_tidy_takes_what_the_tables_do_not_say(tmp_path, capsys):
    (tmp_path / "asked.json").write_text(json.dumps(QUESTIONNAIRE))
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text("patient,R1,R2,site\nc1,1,2,1\n")
    arguments = [
        *("--questionnaire", str(tmp_path / "asked.json"), "--methods", "CT, MR"),
        *("--case-column", "patient", "--question", "quality", "--leave-out", "site"),
    ]
    files = [str(tmp_path / "one.csv"), str(tmp_path / "two.csv")]
    assert main(["tidy", *files, *arguments]) == 0
    printed = capsys.readouterr().out
    assert "two.csv: a row for each case, a column for each reader (R1, R2)" in printed
    assert "Readings 4, readers 2, cases 1, methods CT, MR" in printed


def test_tidy_does_not_write_over_what_it_reads(wide, capsys):
    assert main(["tidy", str(wide), "--out", str(wide)]) == 2
    assert capsys.readouterr().err == (
        f"magic-analyze: --out must be another file than those read, got {wide}\n"
    )
    assert wide.read_text() == WIDE


def test_report_says_what_to_do_with_a_wide_table(wide, tmp_path, capsys):
    out = tmp_path / "report"
    assert main(["report", str(wide), "--out", str(out)]) == 2
    assert f"`magic-analyze tidy {wide}` makes such a file" in capsys.readouterr().err
    assert not out.exists()


def test_table_says_which_totals_it_left_out(tmp_path, capsys):
    path = tmp_path / "crosstab.csv"
    path.write_text("old,1,2,Total\n1,10,2,12\n2,3,15,18\nTotal,13,17,30\n")
    said = [
        "row 'Total' is the sum of the others and is left out",
        "column 'Total' is the sum of the others and is left out",
    ]
    assert main(["table", str(path)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("\n\n".join([*said, "30 pairs, 25 agree"]))
    assert "83.33%" in printed
    assert "0.658" in printed
    assert main(["table", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["assumed"] == said


def test_power_says_so_too(tmp_path, capsys):
    path = tmp_path / "crosstab.csv"
    path.write_text("10,2,12\n3,15,18\n13,17,30\n")
    assert main(["power", "--counts", str(path), "--kappa", "0.5"]) == 0
    assert "row 3 is the sum of the others" in capsys.readouterr().err


@pytest.mark.slow
def test_report_says_once_how_the_file_was_understood(wide, tmp_path, capsys):
    out = tmp_path / "responses.csv"
    assert main(["tidy", str(wide), "--out", str(out)]) == 0
    text = out.read_text().replace("A,1", "a,GOOD").replace("c1", "C1", 1)
    out.write_text(text, encoding="utf-16")
    capsys.readouterr()
    folder = tmp_path / "report"
    methods = ["--reference", "A", "--test", "B"]
    assert main(["report", str(out), *methods, "--out", str(folder)]) == 0
    printed = capsys.readouterr().out
    said = [
        "the text is read as UTF-16",
        "methods are read by another spelling: 'a' as A",
        "labels are read as the codes that the questionnaire gives: quality",
        "cases 'C1' (line 2) and 'c1' (line 3) are taken as 2; if one, write them "
        "alike",
    ]
    expected = "\n".join(["How the file was understood:", *(f"  {s}" for s in said)])
    assert expected in printed
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert results["assumed"] == said
