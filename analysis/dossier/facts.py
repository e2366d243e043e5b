"""What the record of a study says, fact by fact, for items of checklists to name."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version

from analysis.api import ArmsStudy, DisplayStudy, Study
from analysis.report import checklist, setting
from analysis.report.arms.front import front_of
from analysis.report.arms.results import ArmsContext
from analysis.report.arms.sections import sections_of
from analysis.report.displays.front import checklist_of, methods_of
from analysis.report.displays.front import front_of as front_of_displays
from analysis.report.displays.results import CHOICE
from analysis.report.displays.sections import sections_of as sections_of_displays
from analysis.report.front import Front
from analysis.report.section import ReportContext, Section, Setting
from reader_study.formats import closing as formats_closing
from reader_study.formats.endpoint import Endpoint
from reader_study.formats.flow import ProgramAt, flow_beside, programs_in_words
from reader_study.formats.plan import FILE_NAME, AnalysisPlan, in_words
from reader_study.formats.protocol import Protocol
from reader_study.formats.responses import SHOWN, Reading
from reader_study.formats.sealed import sealed_protocol_beside
from reader_study.formats.showing.display import in_words as display_in_words
from reader_study.formats.showing.shown import ShownReading

AnyStudy = Study | ArmsStudy | DisplayStudy

_OF_GRRAS: Mapping[str, str] = {
    "methods": "2", "patients": "3", "readers": "4", "size": "6", "sampling": "7",
    "reading": "8", "independent": "9", "analysis": "10", "included": "11",
    "experience": "12", "agreement": "13", "detail": "15",
}  # fmt: skip
"""Items of GRRAS in the report, by the name of the fact."""

_OF_READERS = (
    "reference", "variability", "missing", "uncertainty", "sensitivity", "software",
    "blinding", "interval", "flow", "groups",
)  # fmt: skip
"""What the report says to CLAIM and STARD-AI."""

_OF_SECTIONS = ("turing", "acceptability", "accuracy")
_OWN = (
    "title", "objectives", "estimates", "design", "severity", "excluded", "incomplete",
    "cutoff", "truth", "tables", "questions", "viewer", "training", "recognition",
    "primary", "registration", "protocol", "stored", "columns", "deviations", "limits",
)  # fmt: skip
OF_NETWORK = (
    "network_architecture", "network_data", "network_start", "network_training",
    "network_selection", "network_performance", "network_software", "network_fixed",
    "partition",
)  # fmt: skip
OF_IMAGES = (
    "images_congruence", "images_coverage", "images_constraint", "images_consistency",
)  # fmt: skip
NEVER_KNOWN = ("network_ensemble",)
"""Facts that items name and no file holds yet; a person answers."""

KNOWN = frozenset(
    (
        *_OF_GRRAS,
        *_OF_READERS,
        *_OF_SECTIONS,
        *_OWN,
        *OF_NETWORK,
        *OF_IMAGES,
        *NEVER_KNOWN,
    )
)
_MOST_SENTENCES = 3


def context_of(study: AnyStudy) -> Setting:
    """Return a study as what is said of every study sees it."""
    if isinstance(study, DisplayStudy):
        return study.results
    level, incomplete = study.chosen.over(study.plan)
    flow = flow_beside(study.path)
    if isinstance(study, ArmsStudy):
        return ArmsContext(study.responses, study.plan, level, flow)
    return ReportContext(
        study.responses, study.plan, (), level, flow=flow, incomplete=incomplete
    )


def absent_of(study: AnyStudy) -> dict[str, str]:
    """Return why facts cannot be had of a study of its design, by their name."""
    if not isinstance(study, DisplayStudy):
        return {}
    chosen = "readers chose among pictures of a case"
    if study.plan.display == CHOICE:
        chosen += f", of which the one by {study.methods[0]} was to be found"
    none = f"No disease was judged: {chosen}."
    return {
        **dict.fromkeys(("accuracy", "truth", "cutoff"), none),
        "reference": none,
        "tables": none,
        "interval": "All pictures of a display were seen at once: no time lay between "
        "the methods.",
    }


def facts_of(study: AnyStudy) -> dict[str, str]:
    """Return what a study says, by the name of the fact; what is unknown is left out.

    Args:
        study: As `analysis.read_study` gives it.
    """
    sections, front = _results(study)
    context, by_id = context_of(study), {one.id: one for one in sections}
    told = _told(by_id.get(checklist.ID))
    facts: dict[str, str | None] = {
        name: told["grras"].get(item) for name, item in _OF_GRRAS.items()
    }
    facts |= {name: told["reader_study"].get(name) for name in _OF_READERS}
    facts |= {name: _findings(by_id.get(name)) for name in _OF_SECTIONS}
    facts |= _of_plan(study.plan)
    facts |= _of_readings(study, context)
    facts |= _of_protocol(sealed_protocol_beside(study.path.with_name(FILE_NAME)))
    facts |= _of_front(front, study)
    facts["software"] = " ".join(filter(None, (facts["software"], _programs(context))))
    for name in absent_of(study):
        facts.pop(name, None)
    return {name: " ".join(text.split()) for name, text in facts.items() if text}


def _programs(context: Setting) -> str:
    """Return with which versions a study was built, opened, locked and reported."""
    recorded = context.flow.programs
    if not recorded:
        return ""
    now = ProgramAt(milestone="reported", program=version("magic-ctp"))
    return programs_in_words((*recorded, now))


def _told(section: Section | None) -> Mapping[str, Mapping[str, str | None]]:
    """Return what the report's checklists say; nothing where it has none."""
    if section is None:
        return {"grras": {}, "reader_study": {}}
    return section.content


def _results(study: AnyStudy) -> tuple[Sequence[Section], Front | None]:
    if isinstance(study, DisplayStudy):
        found = study.results
        made = [*sections_of_displays(found), checklist_of(found)]
        return made, front_of_displays(found)
    if isinstance(study, Study):
        return study.results.sections, study.results.front
    return sections_of(study.results), front_of(study.results)


def _findings(section: Section | None) -> str:
    if section is None or section.refused:
        return ""
    return " ".join(section.findings[:_MOST_SENTENCES])


def _of_plan(plan: AnalysisPlan) -> dict[str, str]:
    named = [plan.primary] if isinstance(plan.primary, Endpoint) else []
    ranks = ["Primary: "] * len(named) + ["Further: "] * len(plan.endpoints)
    objectives = " ".join(
        f"{rank}{in_words(one, plan)}"
        for rank, one in zip(ranks, (*named, *plan.endpoints), strict=True)
    )
    if isinstance(plan.primary, str) and plan.primary:
        objectives = f"Primary, in words: {plan.primary}. {objectives}"
    ways = {"exclude": "left out", "disagree": "counted as disagreements"}
    registered = {
        "same": "The registered text (preregistration.md, SHA-256 "
        f"{plan.registration_sha256}) names the protocol of this study.",
        "other": "The registered text names another protocol than that of this study.",
        "none": "",
    }
    sealed = {
        "holds": "The plan is that of the protocol sealed before anyone read, SHA-256 "
        f"{plan.protocol_sha256} (unblinding.json, manifest.json).",
        "broken": "plan.json is not the plan of the sealed protocol.",
        "none": "",
    }
    return {
        "title": f"Title of the study: {plan.title}." if plan.title else "",
        "objectives": objectives,
        "incomplete": f"Incomplete pairs of answers are {ways[plan.incomplete_pairs]}.",
        "cutoff": _cutoff(plan),
        "registration": registered[plan.registered],
        "protocol": sealed[plan.seal],
    }


def _cutoff(plan: AnalysisPlan) -> str:
    if not plan.prespecified:
        return ""
    codes = ", ".join(map(str, plan.acceptable_codes))
    said = f"Set by the plan: acceptable are answers with code {codes}."
    if plan.threshold is not None:
        said += f" Of the rating {plan.rating} positive from {plan.threshold:g}."
    return said


def _of_readings(study: AnyStudy, context: Setting) -> dict[str, str]:
    readings: list[Reading | ShownReading] = [
        *study.responses.readings,
        *study.responses.repeats,
    ]
    severity = {r.case: r.severity for r in readings if r.severity}
    classes = Counter(filter(None, severity.values()))
    of = ", ".join(
        f"{classes[name]} {setting.in_words(name)}"
        for name in setting.in_order(classes)
    )
    digest = hashlib.sha256(study.path.read_bytes()).hexdigest()
    chained = (
        " Each change is an entry of a hash-chained log that magic-study verify checks."
        if context.flow.counts
        else ""
    )
    of_one = [one for one in readings if isinstance(one, Reading)]
    what = "method" if of_one else SHOWN
    further = dict.fromkeys(name for one in of_one for name in one.columns)
    gone = [
        f"{reader.name}, {setting.in_words(reader.status)}"
        f"{f' ({reader.reason})' if reader.reason else ''}"
        for reader in context.flow.readers
        if reader.status != "active"
    ]
    withdrawn = [
        one for one in context.flow.deviations or () if one.kind == "case_withdrawn"
    ]
    excluded = f"Readers who did not stay: {'; '.join(gone)}. " if gone else ""
    if withdrawn:
        excluded += f"{setting.counted(len(withdrawn), 'case')} withdrawn."
    asked = "; ".join(f"{one.id} {one.text}" for one in study.responses.questionnaire)
    return {
        "severity": f"Cases read, by severity: {of}." if of else "",
        "truth": _truth(of_one, study.plan),
        "stored": f"{setting.counted(len(readings), 'reading')} in {study.path.name}, "
        f"SHA-256 {digest}.{chained}",
        "columns": "Known with each reading besides the answers: "
        f"{', '.join(('case', what, *further))}.",
        "excluded": excluded,
        "questions": f"Asked was: {asked}",
        "recognition": _recognition(study),
        "tables": "Counts of each question by method: tables of the report.",
        "design": _design(context, study),
    }


def _truth(readings: Iterable[Reading], plan: AnalysisPlan) -> str:
    truth = {one.case: one.truth for one in readings if one.truth is not None}
    if not truth:
        return ""
    named = ", ".join(sorted({r.truth_source for r in readings if r.truth_source}))
    counts = Counter(truth.values())
    of = ", ".join(f"{n} {value}" for value, n in sorted(counts.items()))
    diseased = ", ".join(map(str, plan.truth_positive))
    return (
        f"A truth is known of {setting.counted(len(truth), 'case')}: {of}."
        f"{f' Diseased: {diseased}.' if diseased else ''}"
        f"{f' Source: {named}.' if named else ''}"
    )


def _design(context: Setting, study: AnyStudy) -> str:
    if isinstance(study, DisplayStudy):
        compared = methods_of(study.results)
    elif isinstance(study, ArmsStudy):
        several = len(study.methods) > 1
        compared = f"{len(study.methods)} methods" if several else "one method"
    else:
        compared = setting.two_methods(study.responses)
    order = setting.design(context)
    return f"A reader study of {compared}{f': {order}' if order else ''}."


def _recognition(study: AnyStudy) -> str:
    found = Counter(
        answer.recognised
        for answer in formats_closing.closing_beside(study.path)
        if answer.recognised
    )
    said = ", ".join(
        f"{formats_closing.RECOGNISED.get(key, key)}: {n}"
        for key, n in sorted(found.items())
    )
    return (
        f"Cases recognised in the second trial, by what readers said: {said}."
        if said
        else ""
    )


def _of_protocol(protocol: Protocol | None) -> dict[str, str]:
    if protocol is None:
        return {}
    stack = "linked panels of slices" if protocol.viewer == "stack" else "one picture"
    shown = "all slices had to be seen" if protocol.require_all_slices else ""
    at_a_time = display_in_words(protocol.design.display, protocol.design.at_once)
    seen = at_a_time or f"Readers saw {stack} a case{f', {shown}' if shown else ''}."
    cases = "cases to practise on, with feedback" if protocol.training_cases else ""
    trained = "; ".join(filter(None, (protocol.training.strip(), cases)))
    return {
        "viewer": seen,
        "training": f"Training: {trained or 'none'}. Instructions: "
        f"{protocol.instructions.strip() or 'none'}",
    }


def _of_front(front: Front | None, study: AnyStudy) -> dict[str, str]:
    primary = " ".join(front.primary) if front else ""
    deviations = " ".join(front.deviations) if front else ""
    measured, limits = _measured(study)
    return {
        "primary": primary,
        "deviations": deviations,
        "estimates": f"{measured}, with intervals; see Methods of the report "
        f"(magic-analyze {version('magic-ctp')}).",
        "limits": f"{study.results.warning} {limits}",
    }


def _measured(study: AnyStudy) -> tuple[str, str]:
    """Return what is estimated, and what it must not be taken for."""
    if isinstance(study, DisplayStudy):
        limits = (
            "What readers prefer, or take for real, need not be of use for diagnosis."
        )
        if study.plan.display == CHOICE:
            return "Share of displays in which the reference was found, and d'", limits
        return "Shares of displays in which a method came first, and worths", limits
    if isinstance(study, Study):
        return (
            "Percent agreement, Cohen's kappa and four more coefficients",
            "Agreement between methods is not accuracy: both can be wrong together.",
        )
    return (
        "Percent agreement and coefficients of agreement between readers",
        "Agreement is not accuracy: all readers can be wrong together.",
    )
