"""The files that pass between the packages, made and read by their commands alone.

What each file must hold is docs/file-formats.md and the design's list of contracts; the
packages do not import one another, so nothing else holds them together.
"""

import csv
import json
import re
from pathlib import Path

import pytest

from analysis.cli import main as analyze
from magic_model.cli import main as model
from reader_study.cli import main as study

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[1]
QUESTIONS = ["Q1", "Q2A", "Q2B", "Q2C", "Q2D", "Q3", "Q4"]
MAPS = ["cbf", "cbv", "mtt", "ttp"]
PROTOCOL = {
    "none = 7": "none = 2",
    "mild_moderate = 6": "mild_moderate = 1",
    "severe = 7": "severe = 1",
    "min_distance = 3": "min_distance = 1",
    "number = 7": "number = 3",
}


def run(command, *words):
    assert command([str(word) for word in words]) == 0, words


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Folder in which every command of the chain has run, one after the other."""
    folder = tmp_path_factory.mktemp("chain")
    phrase = folder / "phrase"
    phrase.write_text("four words of a test")
    key = ("--key", folder / "KEY", "--passphrase-file", phrase)
    run(
        model, "phantom", "--exact", "--severities", "2,1,1", "--out", folder / "cohort"
    )
    cohort = ("--cohort", folder / "cohort")
    run(
        model,
        "train",
        "--recipe",
        "tiny",
        "--epochs",
        1,
        *cohort,
        "--out",
        folder / "run",
    )
    generated = folder / "generated"
    run(model, "generate", "--checkpoint", folder / "run", "--input", folder / "cohort",
        "--out", generated)  # fmt: skip
    run(model, "montage", *cohort, "--generated", generated, "--split", "all",
        "--slices", 2, "--panel", 96, "--out", folder / "montages")  # fmt: skip
    toml = folder / "study.toml"
    run(study, "init", toml)
    text = toml.read_text()
    for old, new in PROTOCOL.items():
        assert old in text
        text = text.replace(old, new)
    toml.write_text(text)
    built = folder / "STUDY"
    cases = folder / "montages" / "cases.csv"
    run(study, "build", toml, "--cases", cases, "--out", built, *key)
    run(study, "simulate", built, *key, "--kappa", 0.6)
    run(study, "lock", built, "--by", "Eve")
    people = ("--name", "Eve", "--name", "Max", "--reason", "a test")
    run(study, "unblind", built, *key, *people, "--out", folder / "unblinded")
    run(
        analyze,
        "report",
        folder / "unblinded" / "responses.csv",
        "--out",
        folder / "report",
    )
    return folder


def test_cohort_and_generated_have_a_row_and_all_maps_per_patient(chain):
    cohort = rows(chain / "cohort" / "cohort.csv")
    needed = ["patient_id", "split", "severity", "core_ml", "penumbra_ml"]
    assert list(cohort[0])[:6] == [*needed, "mismatch_ratio"]
    generated = rows(chain / "generated" / "generated.csv")
    assert {r["patient_id"] for r in cohort} == {r["patient_id"] for r in generated}
    for patient in generated:
        for name in MAPS:
            path = chain / "generated" / patient[name]
            assert path.relative_to(chain / "generated") == Path(
                patient["patient_id"], f"{name}.nii.gz"
            )
            assert path.exists()


def test_cases_name_two_pictures_each(chain):
    cases = rows(chain / "montages" / "cases.csv")
    first = ["case", "severity", "reference_image", "test_image"]
    assert list(cases[0]) == [*first, "truth", "truth_source"]
    for case in cases:
        assert case["severity"] in {"none", "mild_moderate", "severe"}
        assert case["truth"] == case["severity"]  # planted in digital patients
        assert case["truth_source"]
        for column in ("reference_image", "test_image"):
            assert (chain / "montages" / case[column]).suffix == ".png"
            assert (chain / "montages" / case[column]).exists()


def test_the_study_has_pictures_and_hashes_and_names_no_case(chain):
    manifest = json.loads((chain / "STUDY" / "manifest.json").read_text())
    assert {
        "schema",
        "protocol_sha256",
        "commitment",
        "presentations",
    } <= manifest.keys()
    pictures = {p["image"] for p in manifest["presentations"]}
    assert pictures == {p.name for p in (chain / "STUDY" / "images").iterdir()}
    assert "phantom-" not in (chain / "STUDY" / "manifest.json").read_text()


def test_responses_have_a_row_per_reading(chain):
    responses = rows(chain / "unblinded" / "responses.csv")
    first = ["reader", "trial", "position", "pseudo_id", "case", "method", "severity"]
    assert list(responses[0])[:14] == [*first, *QUESTIONS]
    assert list(responses[0])[-3:] == ["truth", "truth_source", "simulated"]
    assert {row["truth"] == row["severity"] for row in responses} == {True}
    assert len(responses) == 3 * 4 * 2
    assert {row["method"] for row in responses} == {"RAPID", "MAGIC"}
    assert {row["simulated"] for row in responses} == {"true"}
    cases = {row["case"] for row in rows(chain / "montages" / "cases.csv")}
    assert {row["case"] for row in responses} <= cases


def test_the_plan_is_what_the_protocol_says_and_the_report_follows_it(chain):
    plan = json.loads((chain / "unblinded" / "plan.json").read_text())
    assert plan["simulated"] is True
    assert plan["planted"]["questions"].keys() == set(QUESTIONS)
    results = json.loads((chain / "report" / "results.json").read_text())
    assert results["confidence_level"] == plan["analysis"]["confidence_level"]
    assert results["provenance"] == "simulated"
    margin = plan["analysis"]["non_inferiority_margin"]
    page = (chain / "report" / "report.html").read_text()
    assert f"margin of {margin:g}" in page


def test_results_have_the_documented_form(chain):
    results = json.loads((chain / "report" / "results.json").read_text())
    assert results["schema"] == 1
    assert (results["reference"], results["test"]) == ("RAPID", "MAGIC")
    assert list(results["questions"]) == QUESTIONS
    q3 = results["questions"]["Q3"]
    assert q3["categories"] == [1, 2, 3, 4]
    assert sum(map(sum, q3["counts"])) == q3["n_pairs"] == 12
    assert {"estimate", "low", "high", "method"} <= q3["percent_agreement"].keys()
    kappa = {"estimate", "standard_error", "low", "high", "undefined_reason"}
    assert kappa <= q3["cohen_kappa"].keys()
    page = (ROOT / "docs" / "file-formats.md").read_text()
    table = page.partition("| `inference` | content |")[2].partition("\n\n")[0]
    documented = re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)
    assert results["inference"].keys() <= set(documented)
    always = {"plan", "primary", "family", "clustered", "readers", "turing"}
    assert always | {"acceptability", "ordinal", "odds"} <= results["inference"].keys()


def test_every_reader_was_asked_at_the_end(chain):
    closing = rows(chain / "unblinded" / "closing.csv")
    assert len(closing) == 3
    for row in closing:
        assert int(row["n_test_trial_1"]) + int(row["n_test_trial_2"]) == 4
