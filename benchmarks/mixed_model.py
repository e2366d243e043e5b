"""Ordinal mixed model of a 7 x 20 study: this project against R's `clmm`, in one run.

    python -m benchmarks.mixed_model

Prints CPU seconds per fit of 280 simulated answers, and how many times longer R takes
with its package ordinal, if Rscript and it are installed
(`apt-get install r-base-core r-cran-ordinal`, or `install.packages("ordinal")` in R).
"""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from analysis.mixed_models import OrdinalMixedModel, crossing, fit

REPETITIONS = 5
HOW_TO_INSTALL = "R's ordinal is not here: apt-get install r-base-core r-cran-ordinal"

R_SCRIPT = """
library(ordinal)
d <- read.csv("{path}")
for (name in c("reader", "case", "both")) d[[name]] <- factor(d[[name]])
d$y <- factor(d$y, ordered = TRUE)
timed <- function(f) {{
  f(); t <- system.time(for (i in 1:3) m <- f())
  cat((t[["user.self"]] + t[["sys.self"]]) / 3, as.numeric(logLik(m)), "\\n")
}}
timed(function() clmm(y ~ method + (1 | reader) + (1 | case), data = d))
timed(function() clmm(y ~ method + (1 | reader) + (1 | case) + (1 | both), data = d))
"""


def simulated() -> dict[str, np.ndarray]:
    """Answers 1 to 4 of 7 readers to 20 cases with two methods."""
    rng = np.random.default_rng(1)
    reader, case, method = (axis.ravel() for axis in np.indices((7, 20, 2)))
    latent = 0.5 * method + rng.normal(0, 0.6, 7)[reader] + rng.normal(0, 1, 20)[case]
    latent += rng.normal(0, 0.8, 140)[reader * 20 + case] + rng.logistic(size=280)
    y = np.digitize(latent, [-1.0, 0.5, 2.0]) + 1
    return {"y": y, "method": method, "reader": reader, "case": case}


def timed(
    columns: dict[str, np.ndarray], names: list[str]
) -> tuple[float, OrdinalMixedModel]:
    """Give the smallest CPU time of a fit over a few repetitions."""
    groups = {name: columns[name] for name in names}
    best = float("inf")
    for _ in range(REPETITIONS):
        start = time.process_time()
        model = fit(columns["y"], {"method": columns["method"]}, groups)
        best = min(best, time.process_time() - start)
    return best, model


def in_r(columns: dict[str, np.ndarray]) -> list[tuple[float, float]]:
    """Time clmm, if it is here: CPU seconds and log likelihood of each model."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.csv"
        table = np.column_stack(list(columns.values()))
        header = ",".join(columns)
        np.savetxt(path, table, fmt="%d", delimiter=",", header=header, comments="")
        command = [rscript, "-e", R_SCRIPT.format(path=path)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line.split() for line in run.stdout.splitlines()]
    return [(float(seconds), float(value)) for seconds, value in lines]


def main() -> None:
    """Time both and print one table."""
    columns = simulated()
    columns["both"] = crossing(columns["reader"], columns["case"])
    found = in_r(columns)
    print(f"{'random intercepts':28}{'CPU s':>8}{'clmm / this':>14}{'log lik.':>12}")
    for index, names in enumerate((["reader", "case"], ["reader", "case", "both"])):
        seconds, model = timed(columns, names)
        ratio = f"{found[index][0] / seconds:.1f}" if found else "-"
        label = ", ".join(names).replace("both", "reader:case")
        print(f"{label:28}{seconds:8.3f}{ratio:>14}{model.log_likelihood:12.4f}")
        if found:
            in_clmm, value = found[index]
            print(f"{'  R ordinal::clmm':28}{in_clmm:8.3f}{'':14}{value:12.4f}")
    print("aim: under 1 s a fit, and 20 times as fast as clmm")
    if not found:
        print(HOW_TO_INSTALL)


if __name__ == "__main__":
    main()
