"""Power of comparing accuracies: a reference, simulated studies, and the command."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import InputError, multireader_accuracy
from analysis.accuracy.guarded import Difference
from analysis.accuracy.inference import Error
from analysis.cli import main
from analysis.power.accuracy import AccuracyComponents, AccuracyTest
from analysis.power.deciding import Expected, Guard, studies_of
from benchmarks.accuracy_claims import DESIGNS, TOLERANCE, outcomes, pilots
from benchmarks.accuracy_studies import STRUCTURES, Population

REFERENCE = Path(__file__).parents[4] / "shared/reference/mrmc_reference.json"
OF_FILE = {
    "RRRC": "readers_and_cases",
    "FRRC": "cases",
    "RRFC": "readers",
}
LOSSES = {"true_difference_0": 0.0, "true_difference_equal_effect": None}


def _components(of, cases=114):
    names = ("error_variance", "cov1", "cov2", "cov3")
    given = {name: of[name] for name in names}
    return AccuracyComponents(cases=cases, reader_modality=of["var_tr"], **given)


@pytest.mark.skipif(not REFERENCE.exists(), reason="no reference values")
def test_power_is_that_of_the_reference():
    given = json.loads(REFERENCE.read_text())["sample_size"]
    compared = 0
    for name, parameters in given["parameters"].items():
        of = _components(parameters, given["c_star"])
        for setting in given["settings"]:
            size = (setting["readers"], setting["cases"])
            for kind, random in OF_FILE.items():
                test = AccuracyTest(difference=setting["effect"], random=random)
                found = test.power(of, *size)
                expected = setting[name][kind]
                assert found.power == pytest.approx(expected["power"], rel=1e-9)
                df = expected.get("df2", math.inf)
                assert found.df == pytest.approx(df, rel=1e-9)
                compared += 1
            losses = setting[name]["noninferiority_margin_0p05_alpha_0p025"]
            for loss, difference in LOSSES.items():
                true = setting["effect"] if difference is None else difference
                test = AccuracyTest(difference=true, margin=0.05)
                found, expected = test.power(of, *size), losses[loss]
                assert found.power == pytest.approx(expected["power"], rel=1e-9)
                assert found.standard_error == pytest.approx(expected["StdErr"])
                compared += 1
    assert compared == 30


COMPONENTS = AccuracyComponents(
    cases=100,
    reader_modality=0.0004,
    error_variance=0.0016,
    cov1=0.0007,
    cov2=0.0007,
    cov3=0.0005,
)


@pytest.mark.parametrize(("readers", "cases"), [(8, 150), (12, 80)])
@pytest.mark.parametrize("margin", [None, 0.05])
def test_power_is_that_of_simulated_studies(readers, cases, margin):
    of, true, n = COMPONENTS, 0.04 if margin is None else 0.0, 40_000
    rng, scale = np.random.default_rng(readers), of.cases / cases
    cells = np.arange(2 * readers)
    modality, reader = np.divmod(cells, readers)
    same = [axis[:, None] == axis for axis in (modality, reader)]
    covariance = scale * np.select(
        [same[0] & same[1], same[1], same[0]],
        [of.error_variance, of.cov1, of.cov2],
        of.cov3,
    ) + of.reader_modality * np.eye(2 * readers)
    root = np.linalg.cholesky(covariance)
    values = (rng.standard_normal((n, 2 * readers)) @ root.T).reshape(n, 2, readers)
    differences = values[:, 0] - values[:, 1] + true
    residual = differences.var(axis=1, ddof=1) / 2
    total = residual + readers * scale * (of.cov2 - of.cov3)
    df = (readers - 1) * (total / residual) ** 2
    statistic = differences.mean(axis=1) + (margin or 0)
    statistic /= np.sqrt(2 * total / readers)
    if margin is None:
        statistic = np.abs(statistic)
    rejected = (statistic > stats.t.ppf(0.975, df)).mean()

    expected = AccuracyTest(difference=true, margin=margin).power(of, readers, cases)
    assert 0.2 < rejected < 0.9
    assert expected.power == pytest.approx(rejected, abs=0.01)


def test_the_fewest_cases_are_the_first_that_suffice():
    test = AccuracyTest(difference=0.05)
    cases = test.cases_needed(COMPONENTS, 8, 0.8)
    powers = [test.power(COMPONENTS, 8, n).power for n in (cases - 1, cases)]

    assert powers[0] < 0.8 <= powers[1]
    # Readers who take the modalities differently are not outnumbered by cases.
    assert test.cases_needed(COMPONENTS, 2, 0.8) is None


@pytest.mark.parametrize("margin", [None, 0.05])
def test_wider_limits_have_less_power_and_none_less_where_nothing_is_near_1(margin):
    test = AccuracyTest(difference=0.02 if margin is None else 0.0, margin=margin)
    near = {"cases": 99, "reader": 0.0, "classes": (0.5, 0.5), "weights": (0.5, 0.5)}
    hillis = test.power(COMPONENTS, 60, 3000)  # mean squares hardly vary
    same = test.power(COMPONENTS, 60, 3000, Guard(accuracy=0.5, **near))
    assert same.power == pytest.approx(hillis.power, abs=0.005)
    test = replace(test, difference=2 * test.difference)
    hillis = test.power(COMPONENTS, 8, 150)
    high = Guard(accuracy=0.9, **near)
    less = test.power(COMPONENTS, 8, 150, high)
    assert less.power < hillis.power
    assert less.df < hillis.df
    needed = [test.cases_needed(COMPONENTS, 8, 0.8, guard) for guard in (None, high)]
    assert needed[0] < needed[1]


def test_limits_of_all_studies_are_those_of_each():
    guard = Guard(
        cases=60, accuracy=0.9, reader=0.001, classes=(0.6, 0.4), weights=(0.4, 0.6)
    )
    expected = Expected(
        readers=7,
        cases=20,
        random="readers_and_cases",
        difference=0.0052,
        of_readers=0.0028,
        unshared=0.0009,
        of_cases=0.0024,
        modality=0.0034,
    )
    studies = studies_of(guard, expected)
    z = np.where(studies.df > 1e9, 1.96, stats.t.ppf(0.975, studies.df))
    below = studies.below(np.full(1024, 0.06), z)
    compared = 0
    for at in range(0, 1024, 41):
        middle = studies.middle[at]
        means = middle + np.array([0.03, -0.03])
        if means[0] > 0.99:
            continue
        ratio = means * (1 - means) / (middle * (1 - middle))
        own = [Error(v) for v in studies.modality[at] * ratio**1.5]
        error = Error(studies.variance[at], studies.df[at])
        one = Difference(tuple(means), tuple(own), error)
        assert one.low(z[at]) == pytest.approx(0.06 - below[at], abs=0.002)
        compared += 1
    assert compared > 15
    needed = studies.needed(-0.12, 0.025)
    reached = needed - studies.below(needed, z)
    assert np.median(np.abs(reached + 0.12)) < 1e-3


@pytest.mark.slow
def test_what_is_said_is_what_reports_claim():
    design = DESIGNS[0]  # 7 readers, 20 cases
    rng = np.random.default_rng(2)
    test = AccuracyTest(difference=0, margin=design.margin)
    of, guard = pilots(design, rng, 10)
    said = test.power(of, design.readers, design.cases, guard).power
    claimed = np.mean([row[-1] for row in outcomes(design, 300, rng)])
    chance = 3 * math.sqrt(said * (1 - said) / 300)
    assert said == pytest.approx(claimed, abs=TOLERANCE + chance)


def test_a_perfect_pilot_has_no_guard():
    ratings = np.stack([np.r_[np.full((3, 4), 5), np.full((3, 4), 1)].T] * 2)
    assert Guard.of_pilot(multireader_accuracy(_frame(ratings, 3))) is None


def test_a_pilot_gives_its_components():
    population = Population(STRUCTURES["unlike"], (0.85, 0.75), steps=True)
    ratings = population.draw(np.random.default_rng(5), 4, 20, 30)
    study = multireader_accuracy(_frame(ratings, 20))
    of = AccuracyComponents.of_pilot(study)
    values = study.per_reader["estimate"].to_numpy().reshape(2, 4)
    residual = (values[0] - values[1]).var(ddof=1) / 2

    assert of.cases == 50
    kept = (of.error_variance, of.cov1, of.cov2, of.cov3)
    assert kept == tuple(vars(study.covariances).values())
    expected = residual - of.error_variance + of.cov1 + of.cov2 - of.cov3
    assert of.reader_modality == pytest.approx(expected)
    reader = values.mean(axis=0).var(ddof=1) - residual / 2 - of.cov1 + of.cov3
    assert study.variance_components.reader == pytest.approx(reader)
    of_u = multireader_accuracy(_frame(ratings, 20), method="u_statistics")
    assert AccuracyComponents.of_pilot(of_u) == of


def _frame(ratings, diseased):
    modality, reader, case = (axis.ravel() for axis in np.indices(ratings.shape))
    columns = {
        "reader": reader,
        "case": case,
        "method": np.array(["MAGIC", "RAPID"])[modality],
        "truth": np.where(case < diseased, "severe", "none"),
        "Q4": ratings.ravel(),
    }
    truth = (case < diseased).astype(int)
    own = {"modality": columns["method"], "rating": columns["Q4"], "truth": truth}
    return pd.DataFrame(columns | own)


@pytest.fixture(scope="module")
def pilot(tmp_path_factory):
    population = Population(STRUCTURES["unlike"], (0.85, 0.75), steps=True)
    ratings = population.draw(np.random.default_rng(5), 4, 20, 30)
    frame = _frame(ratings, 20).drop(columns=["modality", "rating"])
    frame["truth"] = np.where(frame["case"] < 20, "severe", "none")
    path = tmp_path_factory.mktemp("pilot") / "responses.csv"
    frame.to_csv(path, index=False)
    return path


def _asked(pilot, *more):
    words = ["power", "--pilot", pilot, "--rating", "Q4", "--truth-positive", "severe"]
    return [str(word) for word in (*words, *more)]


def test_the_command_takes_a_pilot(pilot, capsys):
    asked = _asked(pilot, "--readers", "8,5", "--cases", "100", "--margin", "0.05")
    assert main([*asked, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)

    of = AccuracyComponents(**content["components"])
    test = AccuracyTest(difference=0, margin=0.05)
    sizes = [(row["readers"], row["cases"]) for row in content["designs"]]
    assert sizes == [(5, 100), (8, 100)]
    kept = content["guard"]  # the report decides on wider limits
    pairs = {n: tuple(of) for n, of in kept.items() if isinstance(of, list)}
    guard = Guard(**kept | pairs)
    powers = [test.power(of, *size, guard).power for size in sizes]
    assert powers[0] < test.power(of, *sizes[0]).power
    assert [row["power"] for row in content["designs"]] == powers
    assert main(asked) == 0
    printed = capsys.readouterr().out
    assert "non-inferiority with the margin 0.05, alpha 0.025 one-sided" in printed
    assert f"{powers[1]:.1%}" in printed
    assert "Power of the test on which a report decides." in printed


def test_the_command_takes_components(tmp_path, capsys):
    path = tmp_path / "components.toml"
    given = vars(COMPONENTS)
    path.write_text("\n".join(f"{name} = {value}" for name, value in given.items()))
    assert main(["power", "--components", str(path), "--readers", "8"]) == 0
    cases = AccuracyTest(difference=0.05).cases_needed(COMPONENTS, 8, 0.8)
    (row,) = [r for r in capsys.readouterr().out.splitlines() if r.startswith("8 ")]
    assert row.split()[1] == str(cases)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--difference", "0"], "nothing to show"),
        (["--difference", "-.1", "--margin", ".05"], "above -margin"),
        (["--metric", "sensitivity"], "needs a threshold"),
        (["--metric", "kappa"], "metric must be one of"),
        (["--rating", "Q9"], "column Q9 is missing"),
        (
            ["--rating", "method"],
            "line 2: a rating must be a number or empty, got 'MAGIC'",
        ),
        (["--readers", "1"], "2 readers and 2 cases"),
        (["--kappa", ".6"], "does not go with --kappa"),
        (["--out", "here"], "does not go with --out"),
        (["--components", "c.toml"], "one of the two"),
        (["--truth-positive", "mild"], "--truth-positive must be of the truth"),
        (["--power", "2"], "Power"),
    ],
)
def test_what_the_command_refuses_is_one_sentence(pilot, more, message, capsys):
    assert main(_asked(pilot, *more)) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("magic-analyze: ")
    assert message in last


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cases = 5", "lacks reader_modality"),
        ("a = 1", "unknown a"),
        ("cases", "is not TOML"),
        ("cov1 = 2", "not below a covariance"),
        ("cases = 1", "2 or more"),
        ("cov3 = nan", "finite"),
        ("error_variance = 'a'", "must be a number"),
    ],
)
def test_components_that_cannot_be(text, message, tmp_path, capsys):
    name = text.partition(" ")[0]
    kept = {key: value for key, value in vars(COMPONENTS).items() if key != name}
    alone = text in ("cases = 5", "a = 1", "cases")
    lines = [] if alone else [f"{key} = {value}" for key, value in kept.items()]
    path = tmp_path / "components.toml"
    path.write_text("\n".join([*lines, text]))
    assert main(["power", "--components", str(path)]) == 2
    assert message in capsys.readouterr().err


def test_pilots_that_give_no_components():
    rng = np.random.default_rng(1)
    population = Population(STRUCTURES["alike"], (0.8, 0.8, 0.8), steps=True)
    three = multireader_accuracy(_frame3(population.draw(rng, 3, 5, 5)))
    one = multireader_accuracy(_frame3(population.draw(rng, 1, 5, 5)[:2]))
    for study in (three, one):
        with pytest.raises(InputError, match="two modalities and two readers"):
            AccuracyComponents.of_pilot(study)
    few = multireader_accuracy(_frame3(population.draw(rng, 3, 1, 5)[:2]))
    with pytest.raises(InputError, match="covariances are not defined"):
        AccuracyComponents.of_pilot(few)
    nothing = AccuracyComponents(
        cases=9, reader_modality=0, error_variance=1, cov1=1, cov2=0, cov3=0
    )
    with pytest.raises(InputError, match="no variance"):
        AccuracyTest(difference=0.1).power(nothing, 3, 50)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"difference": 2}, "Difference must be between"),
        ({"difference": 0.1, "alpha": 0}, "Alpha must be between"),
        ({"difference": 0.1, "margin": 1}, "Margin must be between"),
        ({"difference": 0.1, "random": "none"}, "random must be one of"),
    ],
)
def test_tests_that_cannot_be(given, message):
    with pytest.raises(ValueError, match=message):
        AccuracyTest(**given)


def test_a_pilot_of_nested_readers_says_that_none_uses_both():
    ratings = Population(STRUCTURES["alike"], (0.8, 0.8), steps=True).draw(
        np.random.default_rng(4), 4, 6, 6
    )
    frame = pd.DataFrame(_frame(ratings, 6))
    nested = frame[(frame["reader"] < 2) == (frame["method"] == "MAGIC")]
    with pytest.raises(InputError, match="covariances are not defined"):
        AccuracyComponents.of_pilot(multireader_accuracy(nested))


def _frame3(ratings):
    modality, reader, case = (axis.ravel() for axis in np.indices(ratings.shape))
    truth = (case < ratings.shape[2] - 5).astype(int)
    return {
        "reader": reader,
        "case": case,
        "modality": modality,
        "truth": truth,
        "rating": ratings.ravel(),
    }
