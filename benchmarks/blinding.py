"""How often the blinding audit finds something where there is nothing to be found.

    python -m benchmarks.blinding --draws 2000

Both methods are drawn from one generator: pictures whose measures differ from case to
case, and a little within a case, as two pictures of one patient do. Counted is how
often a picture-level cue would refuse the study, how often one is noted, how often the
positions of a real draw look like a leak, and whether the machine's interval holds 0.5.
"""

import argparse
import secrets
from collections.abc import Iterator

import numpy as np

from reader_study.blinding_audit import machine, permutation
from reader_study.blinding_audit.cues import position_cue
from reader_study.blinding_audit.findings import FAMILY_ALPHA, AuditReport, Cue
from reader_study.design.study_plan import plan_study
from reader_study.formats.protocol import Protocol

_MEASURES = 6
_FEATURES = 240
_WITHIN = 0.5  # standard deviation within a case, of that between cases


def null_cues(n_cases: int, within: float, rng: np.random.Generator) -> Iterator[Cue]:
    """Draw the cues of pictures by two methods that are one."""
    is_test = np.repeat([False, True], n_cases)
    for number in range(_MEASURES):
        case = np.tile(rng.normal(size=n_cases), 2)
        values = case + within * rng.normal(size=2 * n_cases)
        found = permutation.auc_association(values, is_test, rng)
        yield Cue(
            str(number), "picture", "AUC", found.value, found.p_value, found.how,
            found.least_p,
        )  # fmt: skip


def null_position(n_cases: int) -> float:
    """Draw a design, and return the p-value of its positions."""
    protocol = Protocol(title="T", per_severity={"none": n_cases}, min_distance=2)
    names = {f"case-{number:03}": "none" for number in range(n_cases)}
    plan = plan_study(names, protocol, secrets.token_hex(32))
    return position_cue(plan.slots, plan.cells, protocol.test).p_value


def null_machine(n_cases: int, rng: np.random.Generator) -> tuple[bool, float]:
    """Draw features of one generator: does the interval of the AUC hold 0.5?"""
    case = rng.normal(size=(1, n_cases, _FEATURES))
    features = case + _WITHIN * rng.normal(size=(2, n_cases, _FEATURES))
    found = machine.learned_separation("", features)
    return found.low <= 0.5 <= found.high, found.auc


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--machines", type=int, default=100)
    given = parser.parse_args()
    print("cases   draws   pictures of a case   refused   noted   position a leak")
    for n_cases in (6, 9, 12, 20):
        limit = FAMILY_ALPHA / 16
        placed = sum(null_position(n_cases) <= limit for _ in range(given.draws))
        for name, within in (("alike", _WITHIN), ("independent", 1e3)):
            rng = np.random.default_rng(n_cases)
            reports = [
                AuditReport(2 * n_cases, (), tuple(null_cues(n_cases, within, rng)))
                for _ in range(given.draws)
            ]
            refused = sum(bool(report.leaks) for report in reports)
            noted = sum(bool(report.notable) for report in reports) / given.draws
            print(
                f"{n_cases:5} {given.draws:7}   {name:>18} {refused:9} {noted:7.3f} "
                f"{placed:17}",
                flush=True,
            )
    rng = np.random.default_rng(0)
    held, aucs = zip(
        *(null_machine(20, rng) for _ in range(given.machines)), strict=True
    )
    print(
        f"machine, 20 cases, {given.machines} draws: interval holds 0.5 in "
        f"{np.mean(held):.3f}, mean AUC {np.mean(aucs):.3f}"
    )


if __name__ == "__main__":
    main()
