"""results.json of a study by method: schema 2, with `arms` and `contrasts`."""

from collections.abc import Mapping

from analysis.multireader import ClusteredEstimate
from analysis.report import checklist
from analysis.report.arms import results
from analysis.report.arms.accuracy import accuracy_json
from analysis.report.arms.front import checklist_of, front_of
from analysis.report.arms.overall import overall_json
from analysis.report.formatting import Json, clustered_json, number
from analysis.report.front import Front
from analysis.report.sections.repeats import within_json

SCHEMA = 2


def arms_json(study: results.ArmsResults, front: Front | None = None) -> Json:
    """Return the content of results.json; docs/file-formats.md describes its form.

    Args:
        study: What to report.
        front: Its page in front, if it was made before.
    """
    level = study.confidence_level
    front = front or front_of(study)
    return {
        "schema": SCHEMA,
        "title": study.title,
        "provenance": study.provenance,
        "warning": study.warning or None,
        "confidence_level": level,
        "readers": list(study.readers),
        "n_cases": study.n_cases,
        "arms": {arm.method: _arm(arm, level) for arm in study.arms},
        "contrasts": [_contrast(contrast, level) for contrast in study.contrasts],
        "accuracy": accuracy_json(study),
        "inference": {
            **(_inference(study, front) if front else {}),
            **overall_json(study),
        },
        "notes": list(study.notes),
        "assumed": list(study.assumed),
    }


def _inference(study: results.ArmsResults, front: Front) -> Json:
    return {**front.content, checklist.ID: checklist_of(study).content}


def _arm(arm: results.ArmResults, level: float) -> Json:
    return {
        "readers": list(arm.readers),
        "n_cases": arm.n_cases,
        "n_readings": arm.n_readings,
        "n_repeats": arm.n_repeats,
        "questions": {
            asked.question.id: _question(asked, level) for asked in arm.questions
        },
    }


def _question(asked: results.QuestionInArm, level: float) -> Json:
    between = asked.between
    return {
        "categories": list(asked.question.codes),
        "labels": list(asked.question.labels),
        "n_answers": between.n_answers,
        "counts_by_reader": between.counts.tolist(),
        "between_readers": {
            "n_cases": between.n_cases,
            **_estimates(between.coefficients, level),
            "these_readers": _estimates(between.these_readers, level),
        }
        if between.coefficients
        else None,
        "reader_by_reader": {
            own.reader: {
                "agreement_with_others": clustered_json(own.agreement, level),
                "percent_agreement": {n: number(v) for n, v in own.shares.items()},
                "cohen_kappa": {n: number(v) for n, v in own.kappas.items()},
            }
            for own in asked.others
        },
        "within_reader": within_json(asked.within, level) if asked.within else None,
    }


def _estimates(
    estimates: Mapping[str, ClusteredEstimate], level: float
) -> dict[str, Json]:
    return {name: clustered_json(value, level) for name, value in estimates.items()}


def _contrast(contrast: results.Contrast, level: float) -> Json:
    return {
        "reference": contrast.reference,
        "test": contrast.test,
        "questions": {
            name: {
                "n_pairs": agreement.n,
                "percent_agreement": clustered_json(agreement, level),
                "cohen_kappa": clustered_json(contrast.kappa[name], level),
            }
            for name, agreement in contrast.agreement.items()
        },
    }
