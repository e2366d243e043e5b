"""Findings of an audit: checks that hold or not, and cues with their p-values."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reader_study.errors import counted

if TYPE_CHECKING:
    from reader_study.blinding_audit.machine import Separation
    from reader_study.frames import DataFrame

FAMILY_ALPHA = 0.001
"""Chance that the audit fails a study whose files tell nothing."""

NOTABLE = 0.05

NEARLY_PERFECT = 0.95
"""AUC, or 1 less it, of a picture-level cue that sorts the pictures by itself."""

SURELY = 1e-4
"""p below which such a cue is none of chance."""

_CORRELATION = "rank correlation"

Level = Literal["file", "picture"]


@dataclass(frozen=True)
class Check:
    """Something that must be equal in all files, whatever they show.

    Attributes:
        name: What is checked.
        faults: What differs; empty if nothing does.
    """

    name: str
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cue:
    """Something that may differ by chance, held against the truth.

    Attributes:
        name: What may tell.
        level: `file` for what no reader needs to see, `picture` for what is part of it.
        statistic: Name of `value`: AUC of the test method, or a rank correlation.
        value: 0.5 or 0 where the cue tells nothing.
        p_value: By permutation, two-sided unless the name says otherwise.
        how: How p was got: exact, or the number of permutations.
        least_p: What p would be were the methods as far apart as they can be; where it
            is above the limit, the cases are too few to find the cue.
        tells: What it would tell.
    """

    name: str
    level: Level
    statistic: str
    value: float
    p_value: float
    how: str
    least_p: float = 0.0
    tells: str = "the methods or trials apart"

    @property
    def measure(self) -> str:
        """Name by which a protocol accepts it: that of all panels of a stack."""
        return self.name.partition(" of ")[0]

    @property
    def is_telling(self) -> bool:
        """Whether it sorts the pictures nearly all by itself, and not by chance."""
        sorts = self.level == "picture" and self.statistic == "AUC"
        apart = max(self.value, 1 - self.value) >= NEARLY_PERFECT
        return sorts and apart and self.p_value < SURELY


@dataclass(frozen=True, repr=False)
class AuditReport:
    """All findings of an audit.

    Attributes:
        n_files: Number of pictures audited.
        checks: Checks of the files, which need no key.
        cues: Cues, which need the key; empty without it.
        accepted: Names of the picture-level cues that the protocol accepts.
        told_apart: How well a machine, and readers where their answers were given,
            tell the methods by the pictures.
        standard: How many cases are diseased and how they lie in the design, in words;
            empty without the key, or where the study has no truth.
    """

    n_files: int
    checks: tuple[Check, ...]
    cues: tuple[Cue, ...] = ()
    accepted: tuple[str, ...] = ()
    told_apart: tuple["Separation", ...] = ()
    standard: str = ""

    def __repr__(self) -> str:
        return f"<AuditReport: {_verdict(self)}>"

    def to_frame(self) -> "DataFrame":
        """Return one row per cue, with its p-value."""
        from reader_study.frames import frame_of

        return frame_of(map(vars, self.cues), tuple(Cue.__dataclass_fields__))

    def to_text(self) -> str:
        """Return the verdict and all that it rests on, as a text to read."""
        return audit_text(self)

    @property
    def threshold(self) -> float:
        """The p-value at which a file-level cue is a leak (Bonferroni)."""
        return FAMILY_ALPHA / max(1, sum(cue.level == "file" for cue in self.cues))

    @property
    def leaks(self) -> tuple[str, ...]:
        """What must be mended before anyone reads: one sentence each."""
        differing = [f"{c.name}: {fault}" for c in self.checks for fault in c.faults]
        telling = [
            f"{cue.name} tells {cue.tells} "
            f"({cue.statistic} {cue.value:.2f}, p = {cue.p_value:.1g})"
            for cue in self.cues
            if cue.level == "file" and cue.p_value <= self.threshold
        ]
        return (*differing, *telling, *map(_how_to_accept, self.telling))

    @property
    def telling(self) -> tuple[Cue, ...]:
        """Picture-level cues that sort the pictures, and that are not accepted."""
        found = (cue for cue in self.cues if cue.is_telling)
        return tuple(cue for cue in found if cue.measure not in self.accepted)

    @property
    def too_few(self) -> tuple[Cue, ...]:
        """Cues that so few cases would not show, were they as clear as can be."""
        limits = {"file": self.threshold, "picture": SURELY}
        return tuple(cue for cue in self.cues if cue.least_p > limits[cue.level])

    @property
    def by_draw(self) -> bool:
        """Whether all leaks are of what chance draws: names, orders, padding."""
        lasting = [*self.telling, *(c for c in self.checks if c.faults)]
        return bool(self.leaks) and not lasting

    @property
    def notable(self) -> tuple[Cue, ...]:
        """Picture-level cues that differ more than chance explains (Holm)."""
        pictures = sorted(
            (cue for cue in self.cues if cue.level == "picture"),
            key=lambda cue: cue.p_value,
        )
        found = []
        for rank, cue in enumerate(pictures):
            if cue.p_value * (len(pictures) - rank) > NOTABLE:
                break
            found.append(cue)
        return tuple(found)


def audit_text(report: AuditReport) -> str:
    """Write an audit's findings: first the verdict, then all that it rests on."""
    lines = [_verdict(report), ""]
    for check in report.checks:
        lines.append(f"  {'ok  ' if not check.faults else 'LEAK'}  {check.name}")
        lines += [f"        {fault}" for fault in check.faults]
    if not report.cues:
        lines += ["", "Without the key only what must be equal was checked."]
        return "\n".join(lines)
    pictures = (
        f"Picture level: a leak from AUC {NEARLY_PERFECT}, or up to "
        f"{1 - NEARLY_PERFECT:.2f}, with p < {SURELY:.0e}, unless accepted"
    )
    for level, title in (
        ("file", f"File level: a leak at p <= {report.threshold:.1g}"),
        ("picture", pictures),
    ):
        lines += ["", title, ""]
        cues = [cue for cue in report.cues if cue.level == level]
        lines += [_line(cue, _mark(cue, report)) for cue in cues]
    if report.standard:
        lines += ["", report.standard]
    if report.told_apart:
        title = "How well the methods are told apart (95 % interval, over cases)"
        lines += ["", title, "", *(f"  {one}" for one in report.told_apart)]
    return "\n".join(lines)


def _verdict(report: AuditReport) -> str:
    if report.leaks:
        return f"{counted(len(report.leaks), 'leak')} in {report.n_files} pictures."
    if not report.cues:
        return f"{report.n_files} pictures are alike in all that must be equal."
    found = f"No leak in {report.n_files} pictures"
    if report.too_few:
        first, *rest = [cue.name for cue in report.too_few]
        more = f" and {counted(len(rest), 'other cue')}" if rest else ""
        found = (
            f"Too few cases to tell: nothing was found in {report.n_files} pictures, "
            f"but {first}{more} would not have shown, however clear"
        )
    accepted = [cue.name for cue in report.cues if cue.is_telling]
    if accepted:
        found += f", but for what the protocol accepts: {', '.join(accepted)}"
    # That the pictures of a case are alike in both trials says nothing of the methods.
    others = (cue for cue in report.notable if cue.statistic != _CORRELATION)
    notable = [cue.name for cue in others if not cue.is_telling]
    if notable:
        found += (
            ". The pictures themselves may tell the methods apart by: "
            f"{', '.join(notable)}"
        )
    return f"{found}."


def _how_to_accept(cue: Cue) -> str:
    return (
        f"the pictures themselves tell the methods apart by {cue.name} (AUC "
        f"{cue.value:.2f}, p = {cue.p_value:.1g}); draw both methods alike, or accept "
        f'it in study.toml: [blinding] accepted_cues = ["{cue.measure}"]'
    )


def _mark(cue: Cue, report: AuditReport) -> str:
    if cue.level == "file":
        leak = cue.p_value <= report.threshold
        return "LEAK" if leak else "few " if cue in report.too_few else "ok  "
    if cue in report.telling:
        return "LEAK"
    if cue in report.notable:
        return "note"
    return "few " if cue in report.too_few else "ok  "


def _line(cue: Cue, mark: str) -> str:
    value = f"{cue.statistic} {cue.value:5.2f}"
    return f"  {mark}  {cue.name:45} {value:>22}  p {_p(cue.p_value):>7}  {cue.how}"


def _p(value: float) -> str:
    return "< .0001" if value < 0.0001 else f"{value:.4f}"
