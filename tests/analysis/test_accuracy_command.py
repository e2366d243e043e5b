"""`magic-analyze accuracy`: what it prints and writes, and what it refuses."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from analysis import multireader_accuracy
from analysis.cli import main

REFERENCE = Path(__file__).parents[3] / "shared/reference/mrmc_reference.json"
COMPARED = ("--test", "MAGIC", "--reference", "RAPID", "--margin", "0.1")


def simulated(n_diseased=8, n_others=12, readers="ABC", shift=1.2):
    """Rows of reader, case, modality, truth, rating in five steps."""
    rng = np.random.default_rng(29)
    truth = np.arange(n_diseased + n_others) < n_diseased
    alike = rng.normal(size=len(truth))
    rows = []
    for modality in ("MAGIC", "RAPID"):
        for reader in readers:
            sure = truth * shift + 0.6 * alike + 0.6 * rng.normal(size=len(truth))
            steps = np.clip(np.round(2.5 + sure), 1, 5).astype(int)
            for case, (ill, step) in enumerate(zip(truth, steps, strict=True), 1):
                rows.append((reader, f"P{case}", modality, int(ill), int(step)))
    return rows


def as_csv(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("reader", "case", "modality", "truth", "rating"))
        writer.writerows(rows)
    return path


def as_imrmc(path, rows):
    truth = {case: ill for _, case, _, ill, _ in rows}
    ill = sum(truth.values())
    readers = len({reader for reader, *_ in rows})
    lines = [f"N0: {len(truth) - ill}", f"N1: {ill}", f"NR: {readers}", "NM: 2"]
    lines += ["BEGIN DATA:"]
    lines += [f"-1,{case},0,{value}" for case, value in truth.items()]
    lines += [f"{r},{case},{m},{rating}" for r, case, m, _, rating in rows]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def rows():
    return simulated()


@pytest.fixture(scope="module")
def ratings(rows, tmp_path_factory):
    return as_csv(tmp_path_factory.mktemp("ratings") / "ratings.csv", rows)


def printed(capsys, *arguments):
    assert main(["accuracy", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def found(capsys, *arguments):
    return json.loads(printed(capsys, *arguments, "--json"))


def test_both_formats_give_the_same_numbers(rows, ratings, tmp_path, capsys):
    imrmc = as_imrmc(tmp_path / "ratings.imrmc", rows)
    for more in ((), ("--metric", "specificity", "--threshold", "3")):
        one, other = (found(capsys, p, *COMPARED, *more) for p in (ratings, imrmc))
        assert (one.pop("file"), other.pop("file")) == (ratings.name, imrmc.name)
        assert one == other


@pytest.mark.parametrize("programs", [True, False])
def test_the_numbers_are_those_of_the_function(rows, ratings, programs, capsys):
    of = ("--random", "cases", "--covariance", "delong")
    more = (*of, "--as-programs") if programs else of
    content = found(capsys, ratings, *COMPARED, *more)
    names = ("reader", "case", "modality", "truth", "rating")
    frame = dict(zip(names, zip(*rows, strict=True), strict=True))
    study = multireader_accuracy(frame, covariance="delong", random="cases")
    study = study if programs else study.for_decisions()
    magic = content["of_modality"]["MAGIC"]
    assert magic["low"] == study.modality("MAGIC").low
    assert magic["df"] is None  # infinite
    (difference,) = content["differences"]
    assert difference["p_value"] == study.difference("MAGIC", "RAPID").p_value
    margin = study.non_inferiority("MAGIC", "RAPID", 0.1)
    assert content["non_inferiority"]["p_value"] == margin.p_value
    assert content["covariances"] == vars(study.covariances)
    assert content["limits"] == ("as_programs" if programs else "for_decisions")
    assert len(content["per_reader"]) == 6
    assert content["design"]["n_missing"] == 0


@pytest.mark.skipif(not REFERENCE.exists(), reason="no reference values")
def test_values_of_another_program(tmp_path, capsys):
    sets = {
        entry["id"]: entry for entry in json.loads(REFERENCE.read_text())["datasets"]
    }
    data, results = sets["VanDyke"]["data"], sets["VanDyke"]["results"]
    at = [data["columns"].index(n) for n in ("reader", "case", "modality", "truth")]
    at.append(data["columns"].index("rating"))
    path = as_csv(tmp_path / "r.csv", [[row[n] for n in at] for row in data["rows"]])
    theirs = results["mrmcaov"]["auc|jackknife|fixed_none"]["values"]
    content = found(capsys, path, "--as-programs")
    (ours,) = content["differences"]
    names = {"Estimate": "estimate", "StdErr": "standard_error", "df": "df"}
    names |= {"CI.Lower": "low", "CI.Upper": "high", "p-value": "p_value"}
    for name, of in names.items():
        assert ours[of] == pytest.approx(theirs["test_diffs"][name][0], rel=1e-9)
    covariances = theirs["covariance_parameters"]
    assert content["covariances"] == pytest.approx(covariances, rel=1e-9)


def test_what_is_printed(ratings, capsys):
    out = printed(capsys, ratings, *COMPARED)
    for line in (
        f"{ratings}: 120 rows",
        "Modalities 2: MAGIC, RAPID",
        "Readers 3: A, B, C",
        "Cases 20: 8 diseased (truth 1), 12 not (truth 0)",
        "Design: fully crossed: every reader rated every case under every modality",
        "AUC; Obuchowski-Rockette, jackknife covariances",
        "Readers and cases are samples; limits that hold for decisions",
        "Research use only; not for diagnosis.",
    ):
        assert line in out.splitlines()
    assert (
        "Non-inferiority, MAGIC at most 0.1 worse than RAPID: not shown; lower" in out
    )
    assert "Error variance 0.0" in out
    assert "nan" not in out.lower()


def test_a_rehearsal_is_marked(ratings, tmp_path, capsys):
    head, *rows = ratings.read_text().splitlines()
    path = tmp_path / "r.csv"
    head = head.replace("modality", "Method")
    path.write_text("\n".join([f"{head},simulated", *(f"{row},1" for row in rows)]))
    out = printed(capsys, path)
    assert out.startswith("Simulated data: some or all readings")
    said = "columns are read by another name: 'Method' as modality"
    assert f"How the file was understood:\n  {said}\n" in out
    assert found(capsys, path)["provenance"] == "simulated"


@pytest.mark.slow
def test_all_is_written_or_nothing(ratings, tmp_path, capsys):
    folder = tmp_path / "out"
    asked = (ratings, "--metric", "sensitivity", "--threshold", "3", "--out", folder)
    assert f"Results: {folder}" in printed(capsys, *asked)
    tables = [f"accuracy_{name}" for name in ("modalities", "differences", "readers")]
    expected = {f"{table}.{kind}" for table in tables for kind in ("csv", "tex")}
    expected |= {"accuracy.json", "roc.png", "roc.svg", "roc.pdf"}
    assert {path.name for path in folder.iterdir()} == expected
    assert json.loads((folder / "accuracy.json").read_text())["threshold"] == 3
    assert 'id="calls-1"' in (folder / "roc.svg").read_text()
    rows = (folder / "accuracy_modalities.csv").read_text().splitlines()
    assert rows[0] == "Modality,Sensitivity [95% CI],Standard error,df"
    (tmp_path / "file").write_text("")
    assert main(["accuracy", str(ratings), "--out", str(tmp_path / "file")]) == 2
    assert "needs a folder" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"out", "file"}


def test_what_is_not_defined_says_why(rows, tmp_path, capsys):
    perfect = [(r, c, m, t, 1 + 4 * t) for r, c, m, t, _ in rows]
    path = as_csv(tmp_path / "r.csv", perfect)
    content = found(capsys, path, *COMPARED)
    assert content["of_modality"]["MAGIC"]["estimate"] == 1
    assert content["differences"][0]["p_value"] is None
    reason = "the standard error is 0, so nothing can be tested"
    assert content["differences"][0]["undefined_reason"] == reason
    out = printed(capsys, path, *COMPARED)
    assert "worse than RAPID: not tested, the standard error is 0" in out
    said = out.splitlines()[-3]
    first = "MAGIC, RAPID, MAGIC - RAPID, A under MAGIC, B under MAGIC, C under MAGIC"
    assert said == f"{first}, and 6 more: {reason}."
    one = as_csv(tmp_path / "one.csv", simulated(n_diseased=1))
    out = printed(capsys, one)
    assert "Error covariances: undefined." in out
    assert "nan" not in out.lower()


def test_three_modalities_and_a_design_with_gaps(rows, tmp_path, capsys):
    third = [(r, c, "MR", t, x) for r, c, m, t, x in rows if m == "MAGIC"]
    path = as_csv(tmp_path / "r.csv", [*rows, *third[1:]])
    asked = (path, "--method", "u_statistics")
    out = printed(capsys, *asked)
    assert "Design: crossed, 1 of 180 ratings missing" in out
    assert "AUC; U-statistics" in out
    content = found(capsys, *asked)
    pairs = [(row["test"], row["reference"]) for row in content["differences"]]
    assert pairs == [("MAGIC", "RAPID"), ("MAGIC", "MR"), ("RAPID", "MR")]
    assert content["equality"]["undefined_reason"]
    out = printed(capsys, path, "--covariance", "delong", "--random", "cases")
    assert "Not defined: delong needs every case rated in every cell" in out
    assert found(capsys, *asked, "--test", "MR", "--reference", "RAPID")["differences"]


@pytest.mark.parametrize(
    ("kept", "covariances"),
    [
        (lambda reader, _: reader == "A", ["Error variance", "Cov1"]),
        (lambda _, modality: modality == "CT", ["Error variance", "Cov2"]),
        (lambda *row: row == ("A", "CT"), ["Error variance"]),
        (lambda *_: True, ["Error variance", "Cov1", "Cov2", "Cov3"]),
        (lambda *row: row != ("A", "CT"), ["Error covariances:"]),
    ],
)
def test_one_reader_one_modality_or_a_gap(rows, kept, covariances, tmp_path, capsys):
    rows = [(r, c, m.replace("RAPID", "CT"), t, x) for r, c, m, t, x in rows]
    path = as_csv(tmp_path / "r.csv", [row for row in rows if kept(row[0], row[2])])
    out = printed(capsys, path)
    (line,) = (line for line in out.splitlines() if line.startswith("Error "))
    assert [part.rpartition(" ")[0] for part in line.split(", ")] == covariances
    assert "nan" not in out.lower()
    assert json.dumps(found(capsys, path), allow_nan=False)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--margin", "0.1"), "--margin needs --test and --reference, of MAGIC, RAPID"),
        (("--test", "CT"), "--test must be a modality, MAGIC, RAPID; got CT"),
        (("--test", "CT", "--reference", "RAPID"), "--test must be a modality"),
        (("--test", "MAGIC", "--reference", "MAGIC"), "Two modalities must differ"),
        ((*COMPARED[:4], "--margin", "2"), "Margin must be between 0 and 1, got 2"),
        (("--metric", "sensitivity"), "The sensitivity needs a threshold"),
        (("--threshold", "nan"), "--threshold must be a finite number, got nan"),
        (("--threshold", "3"), "The AUC takes no threshold, got 3"),
        (("--method", "u_statistics", "--covariance", "delong"), "--covariance is for"),
        (("--method", "u_statistics", "--random", "cases"), "u_statistics need random"),
        (("--rating", "Q4"), "ratings.csv line 1: column Q4 is missing"),
        (("--truth-positive", "severe"), "--truth-positive must be of the truth"),
    ],
)
def test_what_is_refused(ratings, more, message, capsys):
    assert main(["accuracy", str(ratings), *more]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("magic-analyze: ")
    assert error.count("\n") == 1
    assert message in error


def test_one_class_of_cases(tmp_path, capsys):
    path = as_csv(tmp_path / "r.csv", simulated(n_others=0))
    assert main(["accuracy", str(path)]) == 2
    assert capsys.readouterr().err == (
        f"magic-analyze: {path}: the AUC needs diseased and non-diseased cases with "
        "ratings, got 8 diseased and 0 non-diseased\n"
    )
    asked = (path, "--metric", "sensitivity", "--threshold", "3", "--test", "RAPID")
    assert "RAPID - MAGIC" in printed(capsys, *asked, "--out", tmp_path / "out")
    assert not (tmp_path / "out" / "roc.svg").exists()


def test_a_third_modality_must_be_named(rows, tmp_path, capsys):
    third = [(r, c, "MR", t, x) for r, c, m, t, x in rows if m == "MAGIC"]
    path = as_csv(tmp_path / "r.csv", [*rows, *third])
    assert main(["accuracy", str(path), "--reference", "MR"]) == 2
    assert "--test must name one of MAGIC, RAPID" in capsys.readouterr().err
