"""Cohen's kappa of the Q4 table: this project against other packages, in one run.

    python -m benchmarks.agreement

Prints CPU seconds per table and how many times slower each package is than a batch of
this project. R's psych and vcd take part if Rscript and they are installed
(`install.packages(c("psych", "vcd"))`).
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from analysis.agreement import cohen_kappa
from analysis.agreement.batch import cohen_kappas
from analysis.published import load_published
from analysis.tables import ContingencyTable

N_RESAMPLES = 10_000
REPETITIONS = 5

R_SCRIPT = """
counts <- matrix(c({cells}), {k}, byrow = TRUE)
timed <- function(label, f, n) {{
  f(); t <- system.time(for (i in seq_len(n)) f())
  cat(label, (t[["user.self"]] + t[["sys.self"]]) / n, "\\n", sep = "\\t")
}}
if (requireNamespace("psych", quietly = TRUE))
  timed(paste("R psych", packageVersion("psych"), "cohen.kappa"),
        function() psych::cohen.kappa(counts), 200)
if (requireNamespace("vcd", quietly = TRUE))
  timed(paste("R vcd", packageVersion("vcd"), "Kappa"),
        function() vcd::Kappa(counts), 200)
"""


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


def in_r(counts: np.ndarray) -> dict[str, float]:
    """Time R's packages, if they are here."""
    if shutil.which("Rscript") is None:
        return {}
    cells = ", ".join(str(count) for count in counts.ravel())
    code = R_SCRIPT.format(cells=cells, k=len(counts))
    run = subprocess.run(
        [shutil.which("Rscript") or "", "-e", code],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split("\t") for line in run.stdout.splitlines() if "\t" in line]
    return {line[0]: float(line[1]) for line in lines}


def main() -> None:
    """Time everything and print one table."""
    counts = load_published().contingency["Q4"]
    table = ContingencyTable(counts)
    pairs = table.to_pairs()
    labels = list(range(table.k))
    shares = counts.ravel() / counts.sum()
    rng = np.random.default_rng(0)
    batch = rng.multinomial(table.n, shares, N_RESAMPLES).reshape(-1, *counts.shape)

    def bootstrap() -> object:
        drawn = rng.multinomial(table.n, shares, N_RESAMPLES)
        kappas = cohen_kappas(drawn.reshape(-1, *counts.shape))
        return np.quantile(kappas.estimate, (0.025, 0.975))

    per_table = cpu_seconds(lambda: cohen_kappas(batch), 3) / N_RESAMPLES
    rows = {
        "this project, batch of 10,000 tables": per_table,
        "this project, one table with interval": cpu_seconds(
            lambda: cohen_kappa(table).confidence_interval(), 300
        ),
        f"statsmodels {version('statsmodels')} cohens_kappa": cpu_seconds(
            lambda: cohens_kappa(counts), 30
        ),
        f"statsmodels {version('statsmodels')} cohens_kappa, estimate only": (
            cpu_seconds(lambda: cohens_kappa(counts, return_results=False), 300)
        ),
        f"scikit-learn {version('scikit-learn')} cohen_kappa_score (no error)": (
            cpu_seconds(lambda: cohen_kappa_score(*pairs.T, labels=labels), 50)
        ),
        **in_r(counts),
    }
    print(
        f"Cohen's kappa with standard error, Q4 table (5 x 5, n = {table.n}); "
        f"Python {sys.version.split()[0]}, numpy {version('numpy')}\n"
    )
    print(f"{'':58} {'us per table':>12} {'ratio':>9}")
    for name, seconds in rows.items():
        print(f"{name:58} {1e6 * seconds:12.2f} {seconds / per_table:9.1f}")
    if not any(name.startswith("R ") for name in rows):
        print("\nR, psych and vcd are not installed here and take no part.")
    print(
        f"\n{N_RESAMPLES:,} bootstrap resamples with percentile interval: "
        f"{cpu_seconds(bootstrap, 1):.3f} s of CPU time"
    )


if __name__ == "__main__":
    main()
