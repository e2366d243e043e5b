"""`magic-model evaluate`, and the way from a cohort to it, as people run them."""

import csv
import json

import pytest

from magic_model.data.cohort import GENERATED_FILE, read_cohort
from magic_model.errors import pluralize
from magic_model.evaluation.writing import PAGE, RESULTS
from tests.magic_model.commands.conftest import RECIPE


@pytest.fixture
def generated(command, cohort, run_folder, tmp_path):
    """Maps at two ratios of the patient to test on."""
    folders = []
    for ratio in (1, 4):
        folders.append(tmp_path / f"ratio-{ratio}")
        told = ["--checkpoint", run_folder, "--input", cohort, "--out", folders[-1]]
        command("generate", *told, "--ratio", ratio, "--split", "test")
    return folders


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_methods_are_compared(command, cohort, generated, tmp_path):
    out = tmp_path / "evaluation"
    both = ["--generated", generated[0], "--generated", generated[1]]
    names = ["--name", "trained", "--name", "ratio 4"]
    text = command("evaluate", "--cohort", cohort, *both, *names, "--out", out)
    assert "trained" in text
    assert "ratio 4" in text
    assert f"Report: {out / PAGE}" in text
    methods = json.loads((out / RESULTS).read_text())["methods"]
    assert {"trained", "ratio 4"} <= set(methods)


def test_a_folder_without_a_name_of_its_own_has_that_of_its_place(
    cohort, generated, tmp_path, monkeypatch, refusal
):
    """`.` and the folder itself are the same name twice."""
    monkeypatch.chdir(generated[0])
    told = ["--cohort", cohort, "--generated", ".", "--generated", generated[0]]
    said = refusal("evaluate", *told, "--out", tmp_path / "x")
    assert said.endswith("got 2 folders and names ratio-1, ratio-1")


def test_what_cannot_be_evaluated_is_said(refusal, cohort, generated, tmp_path):
    def refused(*options, cohort=cohort):
        out = tmp_path / "x"
        return refusal("evaluate", "--cohort", cohort, "--out", out, *options)

    first, second = generated
    assert "Missing option '--generated'" in refused()
    assert "generated.csv" in refused("--generated", tmp_path)
    assert "cohort.csv" in refused("--generated", first, cohort=tmp_path)
    both = ["--generated", first, "--generated", second]
    assert "a name of its own, got 2 folders and names a" in refused(
        *both, "--name", "a"
    )
    assert "names a, a" in refused(*both, "--name", "a", "--name", "a")
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_from_a_phantom_to_its_evaluation(command, tmp_path):
    """Train, generate, draw and evaluate, each with what the one before wrote."""
    cohort, run, made = (tmp_path / name for name in ("cohort", "run", "generated"))
    command("phantom", "--exact", "--patients", "4", "--jobs", "2", "--out", cohort)
    recipe = tmp_path / "least.toml"
    recipe.write_text(RECIPE.replace("size = 32", "size = 64"))
    told = ["--cohort", cohort, "--out"]
    text = command("train", "--recipe", recipe, *told, run, "--epochs", "4")
    assert text.startswith("Trained least for 4 epochs")
    asked = ["--checkpoint", run, "--input", cohort, "--split", "test"]
    text = command("generate", *asked, "--out", made)
    tested = [p.patient_id for p in read_cohort(made, GENERATED_FILE).patients]
    assert text.startswith(
        f"{pluralize(len(tested), 'patient')} in {made}: cbf, cbv, mtt, ttp"
    )
    study = tmp_path / "study"
    command("montage", *told, study, "--generated", made, "--panel", "128")
    with (study / "cases.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["case"] for row in rows] == tested
    assert all((study / row["test_image"]).is_file() for row in rows)
    text = command("evaluate", *told, tmp_path / "judged", "--generated", made)
    assert "generated" in text
    assert (tmp_path / "judged" / PAGE).is_file()
