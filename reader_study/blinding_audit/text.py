"""The audit as a text to read."""

from reader_study.blinding_audit.findings import AuditReport, Cue


def audit_text(report: AuditReport) -> str:
    """Write an audit's findings: first the verdict, then all that it rests on."""
    lines = [_verdict(report), ""]
    for check in report.checks:
        lines.append(f"  {'ok  ' if not check.faults else 'LEAK'}  {check.name}")
        lines += [f"        {fault}" for fault in check.faults]
    if not report.cues:
        lines += ["", "Without the key only what must be equal was checked."]
        return "\n".join(lines)
    for level, title in (
        ("file", f"File level: a leak at p <= {report.threshold:.1g}"),
        ("picture", "Picture level: part of the pictures, reported only"),
    ):
        lines += ["", title, ""]
        cues = [cue for cue in report.cues if cue.level == level]
        lines += [_line(cue, _mark(cue, report)) for cue in cues]
    return "\n".join(lines)


def _verdict(report: AuditReport) -> str:
    if report.leaks:
        return f"{len(report.leaks)} leaks in {report.n_files} pictures."
    found = f"No leak in {report.n_files} pictures."
    if report.notable:
        names = ", ".join(cue.name for cue in report.notable)
        found += f" The pictures themselves may tell the methods apart by: {names}."
    return found


def _mark(cue: Cue, report: AuditReport) -> str:
    if cue.level == "file":
        return "LEAK" if cue.p_value <= report.threshold else "ok  "
    return "note" if cue in report.notable else "ok  "


def _line(cue: Cue, mark: str) -> str:
    value = f"{cue.statistic} {cue.value:5.2f}"
    return f"  {mark}  {cue.name:45} {value:>22}  p {_p(cue.p_value):>7}  {cue.how}"


def _p(value: float) -> str:
    return "< .0001" if value < 0.0001 else f"{value:.4f}"
