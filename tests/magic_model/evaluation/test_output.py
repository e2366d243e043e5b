import csv
import json

import pytest

from magic_model.errors import DataError
from magic_model.evaluation.result import evaluate_folders
from magic_model.evaluation.tables import Figure, Table, to_csv_rows, to_markdown
from magic_model.evaluation.writing import describe, write_evaluation
from magic_model.metrics import Interval
from magic_model.output import complete_or_untouched


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def written(folders):
    out = folders.root / "out"
    generated = [folders.good, folders.poor]
    found = evaluate_folders(folders.cohort, generated, ["magic", "unet"], seed=1)
    write_evaluation(found, out)
    return out, describe(found)


@pytest.mark.slow
def test_everything_is_written(written):
    out, _ = written
    names = {path.name for path in out.iterdir()}
    figures = {
        *(f"boxes_{r}_{n}" for r in ("in_brain", "bounding_box") for n in (1, 2)),
        *(f"boxes_paper_compatible_{n}" for n in (1, 2)),
        *(f"sample_{s}" for s in ("none", "mild_moderate", "severe")),
        "lesion_volumes",
    }
    tables = {
        "in_brain",
        "lesions",
        "bounding_box",
        "paper_compatible",
        "by_severity",
        "comparisons",
        "decisions",
        "field",
    }
    assert names == {
        *(f"{figure}.{ending}" for figure in figures for ending in ("png", "svg")),
        *(f"table_{table}.csv" for table in tables),
        "table_field.tex",
        "evaluation.json",
        "evaluation.html",
        "evaluation.md",
        "patients.csv",
        "summary.csv",
    }
    assert not [p for p in out.parent.iterdir() if p.name.startswith(".out")]
    svg = (out / "lesion_volumes.svg").read_text(encoding="utf-8")
    assert "<dc:date>" not in svg


@pytest.mark.slow
def test_numbers_agree_wherever_they_stand(written):
    out, text = written
    found = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    key = {"group": "all", "method": "unet", "map": "mtt", "metric": "ssim_in_brain"}
    mean = next(s for s in found["summaries"] if key.items() <= s.items())["mean"]
    summary = next(r for r in rows_of(out / "summary.csv") if key.items() <= r.items())
    assert float(summary["mean"]) == mean
    values = [
        float(row["value"])
        for row in rows_of(out / "patients.csv")
        if (row["method"], row["map"], row["metric"]) == ("unet", "mtt", key["metric"])
    ]
    assert sum(values) / len(values) == pytest.approx(mean)
    row = next(
        r
        for r in rows_of(out / "table_in_brain.csv")
        if (r["Map"], r["Method"]) == ("MTT [s]", "unet")
    )
    assert float(row["SSIM in brain"]) == mean
    assert float(row["SSIM in brain low"]) < mean < float(row["SSIM in brain high"])
    assert f"{mean:.3f} (" in (out / "evaluation.md").read_text(encoding="utf-8")
    line = next(x for x in text.splitlines() if x.startswith("MTT  unet"))
    assert f"{mean:.3f}" in line


@pytest.mark.slow
def test_tables_of_runs_are_laid_out_as_in_the_paper(written):
    out, _ = written
    rows = rows_of(out / "table_paper_compatible.csv")
    assert list(rows[0]) == [
        "Method",
        *(f"{m} {k}" for m in ("CBF", "CBV", "MTT", "TTP") for k in ("SSIM", "UQI")),
    ]
    methods = ["magic", "unet", "black", "constant in mask", "NCCT copy"]
    assert [row["Method"] for row in rows] == methods
    page = (out / "evaluation.html").read_text(encoding="utf-8")
    assert "Research use only" in page
    assert page.count("<table>") == 7
    lesions = rows_of(out / "table_lesions.csv")
    assert [row["Method"] for row in lesions] == ["measured", *methods]
    assert lesions[0]["Core ICC"] == "n/a"


def test_a_table_is_rounded_for_people_and_not_for_programs():
    table = Table(
        "t",
        "Title",
        "Caption.",
        ["Name", "Value", "p"],
        [
            [
                "a|b",
                Figure(0.12345, 2, Interval(-0.001, 0.5)),
                Figure(1e-5, 3, is_p=True),
            ],
            ["c", Figure(float("nan"), 2, Interval(0, 0)), Figure(0.25, 3, is_p=True)],
            ["d", "none", Figure(float("nan"), 3)],
        ],
    )
    assert to_markdown(table).splitlines()[4:] == [
        "| Name | Value | p |",
        "| --- | --- | --- |",
        r"| a\|b | 0.12 (0.00 to 0.50) | <0.001 |",
        "| c | n/a | 0.250 |",
        "| d | none | n/a |",
    ]
    assert list(to_csv_rows(table)) == [
        ["Name", "Value", "Value low", "Value high", "p"],
        ["a|b", "0.12345", "-0.001", "0.5", "1e-05"],
        ["c", "", "0.0", "0.0", "0.25"],
        ["d", "none", "", "", ""],
    ]


def test_a_failure_leaves_nothing_behind(tmp_path):
    out = tmp_path / "out"

    def fail():
        with complete_or_untouched(out) as folder:
            (folder / "half").write_text("x", encoding="utf-8")
            raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match=r"cannot be written \(No space left"):
        fail()
    assert list(tmp_path.iterdir()) == []
    out.write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="is a file; the output needs a folder"):
        fail()
    with (
        pytest.raises(DataError, match="cannot be made"),
        complete_or_untouched(out / "below" / "file"),
    ):
        pass


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", "b", "c"]])
def test_each_method_needs_a_name_of_its_own(folders, tmp_path, names):
    with pytest.raises(DataError, match="2 folders and names a"):
        evaluate_folders(folders.cohort, [folders.good, folders.poor], names)
    with pytest.raises(DataError, match="0 folders and names none"):
        evaluate_folders(folders.cohort, [], [])
