"""A panel, whose readings become the truth of another study: table `[panel]`.

Independent readings come first; where the rule gives no answer, an adjudication round,
a study of those cases alone, does.
"""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Literal

from reader_study.formats import checking

Rule = Literal["majority", "unanimous"]
Decided = Literal["unanimous", "majority", "adjudicated", "unresolved"]
"""How the truth of a case came about."""

READINGS = "panel_readings"
"""Column of cases.csv: how many readers of the panel gave which answer."""

BY_WHOM = {"one adjudicator": "one adjudicator", "consensus": "consensus of the panel"}


@checking.record(kw_only=True)
class Panel:
    """Which answer of a panel is the truth, and by which rule."""

    question: checking.Filled
    """The question, on a scale, whose answer is the truth."""

    rule: Rule = "majority"
    """`majority`: more than half of the readers gave this answer; `unanimous`: all
    did. A missing reading agrees with none."""

    adjudication: Literal["one adjudicator", "consensus"] = "one adjudicator"
    """Who decides where the rule gives no answer: one person, or the panel together,
    who give one answer. Either way the round has one reader."""

    show_readings: checking.YesNo = False
    """Whether the adjudication shows how many readers gave which answer."""

    adjudicates: checking.Text = ""
    """`study_id` of the panel whose disagreements this study decides; empty: it is the
    panel itself."""

    def given(self) -> dict[str, Any]:
        """Return what differs from its default, as hashes cover it."""
        return {
            f.name: value
            for f in dataclasses.fields(self)
            if (value := getattr(self, f.name)) != f.default
        }


def decide(
    answers: Sequence[checking.Code | None], rule: Rule
) -> tuple[checking.Code | None, Decided]:
    """Return what a rule makes of the readings of a case, and how.

    Args:
        answers: One of each reader; None where it is missing.
        rule: Of the panel.

    Examples:
        >>> decide([1, 1, 0], "majority")
        (1, 'majority')
        >>> decide([1, 1, None], "unanimous")
        (None, 'unresolved')
    """
    counts = Counter(answer for answer in answers if answer is not None)
    for code, n in counts.most_common(1):
        if n == len(answers):
            return code, "unanimous"
        if rule == "majority" and 2 * n > len(answers):
            return code, "majority"
    return None, "unresolved"


@dataclasses.dataclass(frozen=True)
class PanelAgreement:
    """How far independent readings agree.

    Attributes:
        n_cases: Cases with two readings or more.
        observed: Share of all pairs of readings of a case that agree, each case alike;
            None without such a case.
        alpha: Krippendorff's alpha, nominal; None where all gave one answer.
    """

    n_cases: int
    observed: float | None
    alpha: float | None

    def to_text(self) -> str:
        """Return both figures in words."""
        if self.observed is None:
            return "no case has two readings"
        alpha = "undefined" if self.alpha is None else f"{self.alpha:.3f}"
        return (
            f"pairwise agreement {self.observed:.3f}, Krippendorff's alpha (nominal) "
            f"{alpha}"
        )


def panel_agreement(cases: Sequence[Sequence[object]]) -> PanelAgreement:
    """Return how far readings agree; None is a missing one.

    Krippendorff K. Content Analysis. 4th ed. Sage; 2019, chapter 12.

    Args:
        cases: Readings of each case.
    """
    there = [[a for a in answers if a is not None] for answers in cases]
    units = [Counter(answers) for answers in there if len(answers) > 1]
    if not units:
        return PanelAgreement(0, None, None)
    # Pairs of different readings of a case, each ordered pair by 1 / (readings - 1).
    unlike = [_unlike_pairs(unit) for unit in units]
    sizes = [unit.total() for unit in units]
    observed = [u / (m * (m - 1)) for u, m in zip(unlike, sizes, strict=True)]
    weighted = sum(u / (m - 1) for u, m in zip(unlike, sizes, strict=True))
    n, total = sum(sizes), Counter(chain.from_iterable(u.elements() for u in units))
    expected = _unlike_pairs(total) / (n - 1)
    alpha = 1 - weighted / expected if expected else None
    return PanelAgreement(len(units), 1 - sum(observed) / len(units), alpha)


def _unlike_pairs(counts: Counter[Any]) -> int:
    return int(counts.total() ** 2 - sum(n**2 for n in counts.values()))


@dataclasses.dataclass(frozen=True)
class PanelTruth:
    """What a panel says of its cases, and how it came about; truth.json.

    Attributes:
        panel: Study, protocol, rule and lock of the panel.
        adjudication: The same of the adjudication round; empty without one.
        agreement: Of the independent readings.
        decided: By case its truth, empty where unresolved, and how.
        withdrawn: Cases that were withdrawn, of which nothing is said.
        accepted_missing: Pseudo-IDs of cases taken although readings are missing.
        simulated: Whether bots read.
    """

    panel: Mapping[str, Any]
    adjudication: Mapping[str, Any]
    agreement: PanelAgreement
    decided: Mapping[str, tuple[checking.Code | None, Decided]]
    withdrawn: Sequence[str] = ()
    accepted_missing: Sequence[str] = ()
    simulated: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """How many cases were decided how."""
        found = Counter(str(how) for _, how in self.decided.values())
        names = ("unanimous", "majority", "adjudicated", "unresolved")
        return {name: found[name] for name in names}

    @property
    def unresolved(self) -> tuple[str, ...]:
        """Cases without a truth."""
        return tuple(sorted(c for c, (_, how) in self.decided.items()
                            if how == "unresolved"))  # fmt: skip

    @property
    def source(self) -> str:
        """What the reference standard is, for `truth_source` of cases.csv."""
        p, n = self.panel, self.counts
        marked = "SIMULATED panel" if self.simulated else "panel"
        whom = BY_WHOM[p["adjudication"]] if self.adjudication else "adjudication"
        return (
            f"{marked} {p['study_id']} (protocol {p['protocol_sha256'][:12]}), "
            f"{p['question']} of {p['n_readers']} readers, rule {p['rule']}: "
            f"{n['unanimous']} unanimous, {n['majority']} by majority, "
            f"{n['adjudicated']} by {whom}, {n['unresolved']} unresolved; "
            f"{self.agreement.to_text()}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain values."""
        return {
            "schema": 1,
            "source": self.source,
            "simulated": self.simulated,
            "panel": dict(self.panel),
            "adjudication": dict(self.adjudication) or None,
            "counts": self.counts,
            "agreement": {
                "n_cases": self.agreement.n_cases,
                "pairwise_agreement": self.agreement.observed,
                "krippendorff_alpha_nominal": self.agreement.alpha,
            },
            "unresolved": list(self.unresolved),
            "withdrawn": sorted(self.withdrawn),
            "accepted_missing": sorted(self.accepted_missing),
            "cases": [
                {"case": case, "truth": code, "decided": how}
                for case, (code, how) in sorted(self.decided.items())
            ],
        }
