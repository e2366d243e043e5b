"""Clustered kappa of a study of 7 readers and 20 cases, seven questions.

    python -m benchmarks.multireader

Prints CPU seconds: 10,000 resamples of readers and cases (pigeonhole) of all questions,
the crossed interval of one, and both against other packages in the same run. R's
multiagree, survey and ordinal take part if Rscript and they are installed:
`install.packages(c("survey", "ordinal", "remotes"))` and
`remotes::install_github("svanbelle/multiagree")`.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from analysis.multireader import Bootstrap, Pairs, clustered_agreement, clustered_kappa

N_READERS, N_CASES = 7, 20
SCALES = {"Q1": 2, "Q2A": 3, "Q2B": 3, "Q2C": 3, "Q2D": 3, "Q3": 4, "Q4": 5}
N_RESAMPLES = 10_000
REPETITIONS = 5
SECONDS_ALLOWED, MILLISECONDS_ALLOWED = 2.0, 1.0

R_SCRIPT = """
d <- read.csv(commandArgs(TRUE)[1])
timed <- function(label, f, n) {
  f(); t <- system.time(for (i in seq_len(n)) f())
  cat(label, (t[["user.self"]] + t[["sys.self"]]) / n, "\\n", sep = "\\t")
}
has <- function(p) suppressMessages(requireNamespace(p, quietly = TRUE))
named <- function(p, what) paste("R", p, packageVersion(p), what)
if (has("multiagree"))
  timed(named("multiagree", "delta.pair (patients)"), function()
    multiagree::delta.pair(cbind(d$reference, d$test), d$case, "unweighted"), 5)
if (has("survey")) {
  f <- transform(d, reference = factor(reference), test = factor(test))
  timed(named("survey", "svykappa (patients)"), function() survey::svykappa(
    ~reference + test, survey::svydesign(ids = ~case, weights = ~1, data = f)), 20)
}
both <- data.frame(y = factor(c(d$reference, d$test)),
                   method = rep(0:1, each = nrow(d)),
                   reader = factor(rep(d$reader, 2)), case = factor(rep(d$case, 2)))
if (has("ordinal"))
  timed(named("ordinal", "clmm (another model)"), function()
    ordinal::clmm(y ~ method + (1 | case) + (1 | reader), both), 2)
k <- max(d$reference, d$test) + 1
kappa <- function(a, b) {
  p <- tabulate(a * k + b + 1, k * k) / length(a); dim(p) <- c(k, k)
  e <- sum(rowSums(p) * colSums(p)); (sum(diag(p)) - e) / (1 - e)
}
rows <- split(seq_len(nrow(d)), list(d$reader, d$case))
dim(rows) <- c(length(unique(d$reader)), length(unique(d$case)))
timed("R base, pigeonhole loop, per resample", function() {
  at <- unlist(rows[sample(nrow(rows), replace = TRUE),
                    sample(ncol(rows), replace = TRUE)])
  kappa(d$reference[at], d$test[at])
}, 1000)
"""


def drawn_study(rng: np.random.Generator, k: int) -> Pairs:
    """Draw answers that go with the case and, within a method, stay with it too."""
    reader, case = np.divmod(np.arange(N_READERS * N_CASES), N_CASES)
    severity = rng.standard_normal(N_CASES)[case]
    edges = np.quantile(rng.standard_normal(10_000), np.arange(1, k) / k) * 1.4
    answers = [
        np.searchsorted(
            edges,
            severity
            + 0.6 * rng.standard_normal(N_CASES)[case]
            + 0.8 * rng.standard_normal(case.size),
        )
        for _ in range(2)
    ]
    columns = [column.tolist() for column in (reader, case, *answers)]
    return Pairs.from_labels(*columns, range(k))


def cpu_seconds(function: Callable[[], object], repetitions: int) -> float:
    """Give the smallest CPU time of one call over a few repetitions."""
    function()
    best = float("inf")
    for _ in range(REPETITIONS):
        start = time.process_time()
        for _ in range(repetitions):
            function()
        best = min(best, (time.process_time() - start) / repetitions)
    return best


def in_r(pairs: Pairs) -> dict[str, float]:
    """Time R and its packages, those that are here."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder, "pairs.csv"), Path(folder, "timed.R")
        columns = [pairs.reader, pairs.case, pairs.reference, pairs.test]
        rows = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
        data.write_text("\n".join(["reader,case,reference,test", *rows]))
        script.write_text(R_SCRIPT)
        run = subprocess.run(
            [rscript, str(script), str(data)],
            capture_output=True,
            text=True,
            check=False,
        )
    lines = [line.split("\t") for line in run.stdout.splitlines() if "\t" in line]
    return {line[0]: float(line[1]) for line in lines}


def loops(pairs: Pairs, rng: np.random.Generator) -> dict[str, float]:
    """Time one resample of readers and cases in plain Python, by two packages."""
    place = np.full((N_READERS, N_CASES), -1)
    place[pairs.reader, pairs.case] = np.arange(pairs.n)
    labels = list(range(pairs.k))

    def drawn() -> np.ndarray:
        readers = rng.integers(0, N_READERS, N_READERS)
        return place[readers][:, rng.integers(0, N_CASES, N_CASES)].ravel()

    def by_sklearn() -> object:
        at = drawn()
        return cohen_kappa_score(pairs.reference[at], pairs.test[at], labels=labels)

    def by_statsmodels() -> object:
        at = drawn()
        cells = pairs.reference[at] * pairs.k + pairs.test[at]
        counts = np.bincount(cells, minlength=pairs.k**2).reshape(pairs.k, pairs.k)
        return cohens_kappa(counts, return_results=False)

    return {
        f"scikit-learn {version('scikit-learn')}, pigeonhole loop, per resample": (
            cpu_seconds(by_sklearn, 100)
        ),
        f"statsmodels {version('statsmodels')}, pigeonhole loop, per resample": (
            cpu_seconds(by_statsmodels, 300)
        ),
    }


def cluster_error_of_statsmodels(pairs: Pairs) -> object:
    """Percent agreement with patient-clustered error, as a regression on 1."""
    agrees = (pairs.reference == pairs.test).astype(float)
    model = sm.OLS(agrees, np.ones_like(agrees))
    return model.fit(cov_type="cluster", cov_kwds={"groups": pairs.case}).bse


def show(title: str, rows: dict[str, float], own: float) -> None:
    """Print times and how many times slower than this project each is."""
    print(f"\n{title:64} {'us':>12} {'ratio':>9}")
    for name, seconds in rows.items():
        print(f"{name:64} {1e6 * seconds:12.2f} {seconds / own:9.1f}")


def main() -> None:
    """Time everything and print the tables."""
    rng = np.random.default_rng(0)
    studies = {name: drawn_study(rng, k) for name, k in SCALES.items()}
    many = Bootstrap(N_RESAMPLES)

    def all_questions() -> None:
        for pairs in studies.values():
            estimate = clustered_kappa(pairs, "pigeonhole", bootstrap=many)
            estimate.confidence_interval()

    total = cpu_seconds(all_questions, 1)
    print(
        f"{N_RESAMPLES:,} pigeonhole resamples with limits, all {len(SCALES)} questions"
    )
    print(f"of {N_READERS} readers x {N_CASES} cases: {total:.3f} s of CPU time")
    print(f"(at most {SECONDS_ALLOWED:g} s wanted)\n")
    crossed = {
        name: cpu_seconds(lambda p=pairs: clustered_kappa(p).confidence_interval(), 100)
        for name, pairs in studies.items()
    }
    print(f"crossed interval (at most {MILLISECONDS_ALLOWED:g} ms wanted): ", end="")
    print(", ".join(f"{name} {1e3 * s:.2f} ms" for name, s in crossed.items()))

    q3 = studies["Q3"]
    elsewhere = in_r(q3)
    resample = total / len(SCALES) / N_RESAMPLES
    slow = loops(q3, rng) | {k: v for k, v in elsewhere.items() if "loop" in k}
    show(
        "one resample of readers and cases",
        {"this project": resample} | slow,
        resample,
    )
    show(
        "kappa with an error over patients",
        {
            "this project, patient": (
                own := cpu_seconds(lambda: clustered_kappa(q3, "patient"), 100)
            ),
            "this project, crossed": crossed["Q3"],
            **{k: v for k, v in elsewhere.items() if "loop" not in k},
        },
        own,
    )
    name = f"statsmodels {version('statsmodels')} OLS, cluster"
    show(
        "percent agreement with an error over patients",
        {
            "this project, patient": (
                own := cpu_seconds(lambda: clustered_agreement(q3, "patient"), 100)
            ),
            name: cpu_seconds(lambda: cluster_error_of_statsmodels(q3), 30),
        },
        own,
    )
    missing = [
        p for p in ("multiagree", "survey", "ordinal") if f"R {p}" not in str(elsewhere)
    ]
    if missing:
        print(f"\nNot installed, take no part: R's {', '.join(missing)}.")
        print('install.packages(c("survey", "ordinal", "remotes"))')
        print('remotes::install_github("svanbelle/multiagree")')


if __name__ == "__main__":
    main()
