"""How often preference and forced choice find what was planted, or claim what is not.

    python -m benchmarks.displays
    python -m benchmarks.displays --studies 100

Bots choose among pictures with a share of the variance that is the case's (0.3) and the
reader's (0.05), in studies of readers and cases, every reader all displays. Printed are
the mean of the estimate, how often its nominal 95 % interval covers the truth, and how
often something is claimed at 5 %: where nothing is planted, each claim is false. Of
three methods a claim is that of any pair, by Holm's method. Beside it stands how often
`magic-analyze power` says that it is claimed, where one comparison is all.
"""

import argparse

import numpy as np

from analysis.displays import Preferences, fit_worths, forced_choice
from analysis.power.design import DesignSize
from analysis.power.displays import DisplayAssumptions, display_power
from reader_study.formats.design import StudyDesign
from reader_study.rehearsal.bots import SimulationPlan
from reader_study.rehearsal.choosing import ChoosingBots

STUDIES, SEED = 1_000, 32
SIZES = ((4, 20), (6, 40), (10, 30))
_ARMS = ("real", "GAN", "diffusion", "flow")
_PLAN = {"within_case": 0.3, "within_reader": 0.05}
_REPETITIONS = 20_000


def drawn(
    bots: ChoosingBots, size: tuple[int, int], rng: np.random.Generator
) -> Preferences:
    """Draw a study in which every reader sees all displays."""
    readers, cases = size
    units = list(bots.design.units.values())
    shown = {
        f"{case}-{n}": (f"case-{case}", tuple(rng.permutation(list(unit)).tolist()))
        for case in range(cases)
        for n, unit in enumerate(units)
    }
    arms, rows = bots.design.arms, []
    for reader, orders in enumerate(bots.draw(shown, readers, rng)):
        for token, places in orders.items():
            case, methods = shown[token]
            at = [arms.index(method) for method in methods]
            first = [at[place - 1] for place in places]
            rows.append((reader, int(case.removeprefix("case-")), at, first))
    reader, case, at, first = map(np.array, zip(*rows, strict=True))
    kept = first if bots.design.display == "ranking" else first[:, :1]
    return Preferences(arms, reader, case, at, kept)


def of_worths(
    bots: ChoosingBots, truth: float, size: tuple[int, int], rng: np.random.Generator
) -> tuple[float, bool, bool]:
    """Return the share of the first pair, whether it is covered, and any claim."""
    worths = fit_worths(drawn(bots, size, rng))
    share = worths.contrasts[0].share
    limits = share.confidence_interval()
    return share.estimate, limits.low <= truth <= limits.high, worths.p_value < 0.05


def of_choice(
    bots: ChoosingBots, truth: float, size: tuple[int, int], rng: np.random.Generator
) -> tuple[float, bool, bool]:
    """Return the share correct, whether it is covered, and whether it is claimed."""
    found = drawn(bots, size, rng)
    m = found.shown.shape[1]
    got = forced_choice(found.order[:, 0] == 0, found.reader, found.case, m)
    limits = got.correct.confidence_interval()
    covered = limits.low <= truth <= limits.high
    return got.correct.estimate, covered, got.p_value < 0.05


def said(display: str, n_arms: int, truth: float, size: tuple[int, int]) -> str:
    """Return the power that is said of a design with one comparison."""
    if display != "choice" and n_arms > 2:
        return "-"
    assumptions = DisplayAssumptions(
        measure="found" if display == "choice" else "preferred",
        true=truth,
        arms=n_arms,
        pictures=n_arms,
        patient_correlation=_PLAN["within_case"],
        reader_correlation=_PLAN["within_reader"],
    )
    found = display_power(assumptions, DesignSize(*size), repetitions=_REPETITIONS)
    return f"{100 * found.power:.1f}%"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=STUDIES)
    given = parser.parse_args()
    kinds = (
        ("side by side", 2, (0.5, 0.65)),
        ("side by side", 3, (0.5, 0.65)),
        ("ranking", 3, (0.5, 0.65)),
        ("choice", 2, (0.5, 0.7)),
        ("choice", 4, (0.25, 0.5)),
    )
    print(
        "display       arms  readers x cases  planted    mean  covered  claimed    said"
    )
    for (display, n, planted), size in (
        (kind, size) for kind in kinds for size in SIZES
    ):
        for truth in planted:
            name = "correct" if display == "choice" else "preferred"
            plan = SimulationPlan(**_PLAN, **{name: truth})
            bots = ChoosingBots(StudyDesign(arms=_ARMS[:n], display=display), plan)
            run = of_choice if display == "choice" else of_worths
            rng = np.random.default_rng(SEED)
            found = [run(bots, truth, size, rng) for _ in range(given.studies)]
            mean, covered, claimed = np.array(found, dtype=float).mean(axis=0)
            print(
                f"{display:<14}{n:>4}{size[0]:>9} x {size[1]:<5}{truth:>9.2f}"
                f"{mean:>8.3f}{100 * covered:>8.1f}%{100 * claimed:>8.1f}%"
                f"{said(display, n, truth, size):>8}"
            )


if __name__ == "__main__":
    main()
