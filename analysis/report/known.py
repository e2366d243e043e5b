"""What study and results say to the items of reporting guidelines."""

from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version

from analysis.multireader import clustered_kappa
from analysis.report.formatting import format_clustered, format_coefficient
from analysis.report.material import Material
from analysis.responses.pairing import paired_readings


def grras_answers(material: Material) -> dict[int, str]:
    """Answer the items of GRRAS; those about aims and meaning are not among them.

    What the study says goes before what the readings tell; items 10, 13 and 15 are the
    analysis's.
    """
    return {
        **_from_readings(material),
        **material.flow.grras,
        10: _analysis(material),
        13: _estimates(material),
        15: "Tables and figures of this report, also as CSV, LaTeX, PNG, SVG and PDF; "
        "every number unrounded in results.json.",
    }


def reader_study_answers(material: Material) -> dict[str, str]:
    """Answer what CLAIM and STARD-AI ask of readers, by key of `READER_STUDY`."""
    grras, reference = grras_answers(material), material.responses.reference
    level = f"{100 * material.confidence_level:g} %"
    answers = {
        "reference": f"{reference} is the method compared with, not a truth: agreement "
        "between methods is not accuracy. Why it was chosen is the authors' to say.",
        "missing": _missing(material),
        "uncertainty": f"{level} confidence intervals; see Methods.",
        "software": f"magic-analyze {version('magic-ctp')}; numbers in results.json.",
        "readers": grras.get(12, ""),
        "size": grras.get(6, ""),
        "blinding": grras.get(8, ""),
        "interval": _interval(material),
        "flow": _flow(material),
    }
    several = len(material.responses.readers) > 1
    if several and material.provenance != "reconstructed":
        answers |= {
            "uncertainty": f"{level} confidence intervals with readers and patients "
            "random; see Methods.",
            "variability": "Between readers, under each method, and each reader's own "
            "agreement between methods: in this report. Within readers on the same "
            "picture: not measured, no picture is shown twice.",
            "sensitivity": "Kappa, agreement and AC1 with four other intervals, "
            "kappa without each reader in turn, a mixed model: in this report.",
            "groups": _groups(material),
        }
    return {key: answer for key, answer in answers.items() if answer}


def _from_readings(material: Material) -> dict[int, str]:
    responses, plan = material.responses, material.plan
    severity = {r.case: r.severity for r in responses.readings}
    drawn = Counter(name for name in severity.values() if name)
    classes = ", ".join(f"{n} {name}" for name, n in drawn.items())
    answers = {
        2: f"Methods compared: {responses.reference} and {responses.test}.",
        3: f"Cases: {len(severity)}{f' ({classes})' if classes else ''}.",
        11: f"{len(responses.readers)} readers, {len(severity)} cases, "
        f"{len(responses.readings)} readings.",
    }
    if plan.n_readers and plan.n_cases:
        answers[6] = f"{plan.n_readers} readers and {plan.n_cases} cases were planned."
    return answers


def _analysis(material: Material) -> str:
    plan = material.plan
    if not plan.prespecified:
        return "As under Methods. No plan made before the data lay beside them."
    margins: Mapping[str, float | None] = {
        "non-inferiority margin": plan.non_inferiority_margin,
        "margin of equivalence to chance": plan.equivalence_margin,
    }
    set_before = [
        f"confidence level {100 * plan.confidence_level:g} %",
        *(f"{name} {value:g}" for name, value in margins.items() if value is not None),
    ]
    return (
        "As under Methods. Fixed before the study was built: "
        f"{', '.join(set_before)}; incomplete pairs: {plan.incomplete_pairs}."
    )


def _estimates(material: Material) -> str:
    level = material.confidence_level
    by_id = {q.id: q for q in material.responses.questionnaire}
    arbitrary = material.provenance == "reconstructed"
    said = []
    for result in material.questions:
        name = result.pairs.question.id
        if arbitrary:
            shown = format_coefficient(result.kappa, level)
        else:
            pairs = paired_readings(material.responses, by_id[name])
            shown = format_clustered(clustered_kappa(pairs), level)
        said.append(f"{name} {shown}")
    taken = "pairs taken as independent" if arbitrary else "readers and patients random"
    return f"Cohen's kappa [{100 * level:g} % CI], {taken}: {'; '.join(said)}."


def _missing(material: Material) -> str:
    incomplete = [
        f"{result.pairs.question.id} {result.pairs.n_incomplete}"
        for result in material.questions
        if result.pairs.n_incomplete
    ]
    if not incomplete:
        return "No pair of answers is incomplete."
    return f"Incomplete pairs: {', '.join(incomplete)}; see Methods for how they count."


def _interval(material: Material) -> str:
    if material.flow.interval_days is None:
        return ""
    low, high = material.flow.interval_days
    return f"{low:.1f} to {high:.1f} days between the trials of a reader."


def _flow(material: Material) -> str:
    flow = material.flow
    if not flow.counts:
        return ""
    totals = Counter[str]()
    for of_trial in flow.counts.values():
        totals.update(of_trial)
    known = "" if flow.n_deviations is None else f" Deviations: {flow.n_deviations}."
    return (
        f"{totals['assigned']} readings assigned, {totals['opened']} opened, "
        f"{totals['submitted']} submitted, {totals['declined']} declined, "
        f"{totals['corrected']} corrected, {totals['analysed']} analysed.{known}"
    )


def _groups(material: Material) -> str:
    if not any(reading.severity for reading in material.responses.readings):
        return ""
    return "By severity: in this report. Other groups are the authors' to add."
