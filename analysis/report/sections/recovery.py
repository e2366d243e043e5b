"""A rehearsal's planted agreement beside what the analysis finds."""

import pandas as pd

from analysis.multireader import clustered_agreement, clustered_kappa
from analysis.report import formatting
from analysis.report.section import ReportContext, Section, Table
from analysis.responses.pairing import paired_readings

ID = "recovery"
TITLE = "Planted and found"


def recovery_section(context: ReportContext) -> Section | None:
    """Compare estimates with what bots were made to answer; for rehearsals only."""
    planted = context.plan.planted
    if not planted or context.provenance != "simulated":
        return None
    level = context.confidence_level
    rows, content = [], {}
    for question in context.responses.questionnaire:
        if question.id not in planted:
            continue
        agreement, kappa = planted[question.id]
        pairs = paired_readings(context.responses, question)
        found = {
            "percent_agreement": (agreement, clustered_agreement(pairs)),
            "cohen_kappa": (kappa, clustered_kappa(pairs)),
        }
        entry: formatting.Json = {}
        row = {"Question": formatting.neutralise(question.id)}
        for name, label in _LABELS.items():
            truth, estimate = found[name]
            interval = estimate.confidence_interval(level)
            # NaN limits, where there is no interval, hold nothing.
            inside = bool(interval.low <= truth <= interval.high)
            row |= {
                f"{label} planted": formatting.format_estimate(truth),
                f"{label} found": formatting.format_clustered(estimate, level),
                f"{label} inside": "yes" if inside else "no",
            }
            entry[name] = {
                "planted": truth,
                "inside": inside,
                **formatting.clustered_json(estimate, level),
            }
        rows.append(row)
        content[question.id] = entry
    if not rows:
        return None
    held = [entry[name]["inside"] for entry in content.values() for name in _LABELS]
    return Section(
        ID,
        TITLE,
        findings=(
            f"Of {len(held)} intervals {sum(held)} hold what was planted; at the "
            f"{100 * level:g} % level one in {1 / (1 - level):.0f} is expected not to. "
            "Intervals of one study go together, so several may miss at once.",
        ),
        tables=(
            Table(
                "planted_and_found",
                f"Planted values and estimates with {100 * level:g} % confidence "
                "intervals, readers and patients random",
                pd.DataFrame(rows),
            ),
        ),
        content=content,
    )


_LABELS = {"percent_agreement": "Agreement", "cohen_kappa": "Kappa"}
