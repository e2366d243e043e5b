"""The field's figures, against sources of their own, and the table that holds them."""

import math
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import sqrtm
from skimage.metrics import peak_signal_noise_ratio
from sklearn.metrics import recall_score, roc_auc_score

from magic_model.evaluation import field
from magic_model.evaluation.decisions import decide, target_mismatch
from magic_model.evaluation.machine import MachineAuc
from magic_model.evaluation.metric import Metric
from magic_model.evaluation.predictors import BLACK, MEASURED
from magic_model.evaluation.realism import MapRealism, Realism
from magic_model.evaluation.scores import Key, ScoreTable
from magic_model.maps import PerfusionMap
from magic_model.metrics import Interval, embedding, peak_signal_to_noise
from magic_model.metrics.pixelwise import roc_auc

LATEX = shutil.which("pdflatex")
RNG = np.random.default_rng(7)
CORE = np.array([0, 10, 30, 69.9, 70, 90, 120, 5, 20, 75.0])
AT_RISK = np.array([0, 40, 44, 130, 200, 300, 125, 8, 36, 300.0])


def test_psnr_is_that_of_scikit_image():
    x, y = RNG.random((2, 9, 20, 30)) * 12
    mask = RNG.random(x.shape) < 0.4
    assert peak_signal_to_noise(x, y, 12, mask) == pytest.approx(
        peak_signal_noise_ratio(x[mask], y[mask], data_range=12)
    )
    assert peak_signal_to_noise(x, x, 12) == math.inf


def test_auc_is_that_of_scikit_learn():
    truth, values = RNG.random(200) < 0.3, RNG.integers(0, 20, 200)
    assert roc_auc(values, truth) == pytest.approx(roc_auc_score(truth, values))


def test_kernel_distance_is_that_of_its_formula():
    x, y = RNG.normal(size=(7, 5)), RNG.normal(0.5, 1, size=(9, 5))

    def k(a, b):
        return (sum(p * q for p, q in zip(a, b, strict=True)) / 5 + 1) ** 3

    pairs = [(i, j) for i in range(7) for j in range(7) if i != j]
    within = sum(k(x[i], x[j]) for i, j in pairs) / 42
    pairs = [(i, j) for i in range(9) for j in range(9) if i != j]
    within += sum(k(y[i], y[j]) for i, j in pairs) / 72
    across = sum(k(a, b) for a in x for b in y) / 63
    assert embedding.kernel_distance(x, y) == pytest.approx(within - 2 * across)
    assert math.isnan(embedding.kernel_distance(x[:1], y))


def test_kernel_distance_of_two_samples_of_the_same_is_0_on_average():
    found = [
        embedding.kernel_distance(*RNG.normal(size=(2, 12, 6))) for _ in range(400)
    ]
    assert abs(np.mean(found)) < 4 * np.std(found) / 20
    assert embedding.kernel_distance(*RNG.normal([[[0]], [[1]]], 1, (2, 30, 6))) > 1


def test_frechet_distance_is_that_of_its_formula():
    x, y = RNG.normal(size=(60, 4)), RNG.normal(0.5, 2, size=(50, 4))
    a, b = np.cov(x.T), np.cov(y.T)
    wanted = np.square(x.mean(0) - y.mean(0)).sum()
    wanted += np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert embedding.frechet_distance(x, y) == pytest.approx(wanted)
    assert embedding.frechet_distance(x, x) == pytest.approx(0, abs=1e-9)


def test_the_features_are_the_same_everywhere():
    """Figures of a network that is drawn mean something if it is always the same."""
    place = np.indices((64, 64)) / 63
    features = embedding.random_features(place)
    assert features.shape == (2, embedding.FEATURES)
    assert features.sum(axis=1) == pytest.approx(PINNED, rel=1e-6)
    assert embedding.random_features(np.zeros((0, 64, 64))).shape == (0, 128)
    with pytest.raises(ValueError, match="must be"):
        embedding.random_features(np.zeros((64, 64)))


PINNED = [19.7854814, 18.1608337]


@pytest.fixture
def volumes():
    """Ten patients; the method is a third low in the core, and noisy at risk."""
    keys = [
        Key(method, None, metric)
        for method in (MEASURED, "low")
        for metric in (Metric.CORE_ML, Metric.AT_RISK_ML)
    ]
    values = np.stack([CORE, AT_RISK, CORE * 0.66, AT_RISK * 0.9], axis=1)
    return ScoreTable([None] * len(CORE), keys, values, [])


def test_decisions_are_those_of_scikit_learn(volumes):
    (found,) = decide(volumes, ["low"])
    small, said = CORE < 70, CORE * 0.66 < 70
    assert found.auc == pytest.approx(roc_auc_score(small, -CORE * 0.66))
    assert found.small_core.value == recall_score(small, said)
    assert found.large_core.value == recall_score(~small, ~said)
    assert (found.small_core.of, found.large_core.of) == (6, 4)
    assert found.large_core.value == 0.25  # three of four large cores are missed
    target = [
        core < 70 and risk - core >= 15 and (core == 0 or risk / core >= 1.8)
        for core, risk in zip(CORE, AT_RISK, strict=True)
    ]
    assert target_mismatch(CORE, AT_RISK).tolist() == target
    assert (found.mismatch.of, found.no_mismatch.of) == (3, 7)
    interval = found.large_core.interval  # Wilson's, from R: prop.test(1, 4, corr = F)
    assert (interval.low, interval.high) == pytest.approx((0.04559, 0.69936), abs=1e-5)


def test_a_patient_whose_lesion_is_not_known_is_not_counted(volumes):
    values = volumes.values.copy()
    values[0, 2] = math.nan
    (found,) = decide(replace(volumes, values=values), ["low"])
    assert found.small_core.of + found.large_core.of == 9


def test_without_lesions_there_are_no_decisions(volumes):
    assert decide(replace(volumes, keys=volumes.keys[1:]), ["low"]) == []


@pytest.fixture
def looked(evaluation):
    """The evaluation with realism that is made up, which takes no time."""
    told = MachineAuc(0.9, Interval(0.8, 1.0), 5, 100)
    rows = [
        MapRealism("good", PerfusionMap.CBF, np.ones(4), 0.1, told, -0.012, 3.4),
        MapRealism("poor", PerfusionMap.CBF, np.ones(4), 0.1, told, 0.5, 30.0),
    ]
    likeness = {MEASURED: 0.7, "good": 0.68, "poor": 0.6}
    return replace(evaluation, realism=Realism(rows, likeness, 5))


@pytest.mark.slow
def test_the_table_holds_what_was_measured(looked):
    header, *rows = field.to_csv_rows(looked)
    assert header[:5] == ["Map", "Figure", "Better", "good", "good SD"]
    found = {(row[0], row[1]): row for row in rows}
    scores = looked.scores.column(Key("poor", PerfusionMap.CBF, Metric.PSNR))
    mean, deviation = found["CBF", "PSNR [dB]"][5:7]
    assert float(mean) == pytest.approx(scores.mean())
    assert float(deviation) == pytest.approx(scores.std(ddof=1))
    assert found["CBF", "KID*"][3:6] == ["-0.012", "", "0.5"]
    assert ("MTT", "KID*") not in found
    assert found["Copying", "Nearest training patch, r (measured: 0.70)"][3] == "0.68"
    titles = [title for group, title in found if group == "Decision"]
    assert "Core below 70 mL, sensitivity (n = 5)" in titles
    assert "DEFUSE 3 mismatch, specificity (n = 2)" in titles
    assert header[7] == BLACK


@pytest.mark.slow
@pytest.mark.skipif(LATEX is None, reason="needs LaTeX")
def test_the_table_compiles(looked, tmp_path):
    table = field.to_latex(looked)
    start = r"\documentclass{article}\usepackage{graphicx}\begin{document}"
    end = r"\end{document}"
    (tmp_path / "page.tex").write_text(f"{start}\n{table}\n{end}\n", encoding="utf-8")
    done = subprocess.run(
        [LATEX, "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Overfull" not in done.stdout  # nothing runs off the page
    assert "KID*" in table
    assert "no plain KID or FID" in table


@pytest.mark.slow
def test_names_of_methods_are_escaped(evaluation):
    selection, scores = evaluation.selection, evaluation.scores
    name = "a_b & 5%"
    keys = [replace(k, method=name) if k.method == "good" else k for k in scores.keys]
    methods = {name: selection.methods["good"]}
    named = replace(
        evaluation,
        selection=replace(selection, methods=methods),
        scores=replace(scores, keys=keys),
    )
    assert r"a\_b \& 5\% &" in field.to_latex(named)
