"""An evaluation in the terminal: the main figures, trivial predictors beside them."""

from magic_model.evaluation.bootstrap import FEWEST_PATIENTS
from magic_model.evaluation.metric import METRICS, Metric
from magic_model.evaluation.predictors import CONSTANT, MEASURED
from magic_model.evaluation.result import Evaluation
from magic_model.evaluation.summary import Summary
from magic_model.evaluation.table import MISSING, format_number
from magic_model.maps import MAP_SPECS, PerfusionMap

_OF_MAPS = (
    ("MAE", Metric.MAE),
    ("r", Metric.CORRELATION),
    ("SSIM", Metric.SSIM_IN_BRAIN),
    ("UQI", Metric.UQI_IN_BRAIN),
    ("SSIM", Metric.SSIM_BOX),
    ("UQI", Metric.UQI_BOX),
    ("SSIM", Metric.SSIM_PAPER),
    ("UQI", Metric.UQI_PAPER),
)
_OF_PATIENTS = (
    ("core Dice", Metric.CORE_DICE),
    ("risk Dice", Metric.AT_RISK_DICE),
    ("core mL", Metric.CORE_ML),
    ("risk mL", Metric.AT_RISK_ML),
    ("residual", Metric.CENTRAL_RESIDUAL),
)


def describe(evaluation: Evaluation) -> str:
    """Write means over patients as two tables, and the notes."""
    n = len(evaluation.scores.patients)
    width = max(map(len, [MEASURED, *evaluation.rows])) + 2
    lines = [
        f"Means over {n} patient{'s' if n > 1 else ''}; MAE in the unit of the map",
        f"{'':{width + 5}}{'in brain':^32}{'bounding box':^16}{'paper-compatible':^16}",
        f"{'map':5}{'method':{width}}" + "".join(f"{t:>8}" for t, _ in _OF_MAPS),
        *_map_lines(evaluation, width),
        *_patient_lines(evaluation, width),
        _caution(evaluation),
    ]
    if n < FEWEST_PATIENTS:
        lines.append(f"No intervals or tests: they need {FEWEST_PATIENTS} patients")
    return "\n".join([*lines, *(f"- {note}" for note in evaluation.notes)])


def _map_lines(evaluation: Evaluation, width: int) -> list[str]:
    return [
        f"{MAP_SPECS[name].title:5}{method:{width}}"
        + "".join(f"{_mean(evaluation, method, name, m):>8}" for _, m in _OF_MAPS)
        for name in evaluation.maps
        for method in evaluation.rows
    ]


def _caution(evaluation: Evaluation) -> str:
    """Say what the paper-compatible figures give a map that shows nothing."""
    name = evaluation.maps[0]
    paper, brain = (
        " and ".join(_mean(evaluation, CONSTANT, name, metric) for metric in metrics)
        for metrics in (
            (Metric.SSIM_PAPER, Metric.UQI_PAPER),
            (Metric.SSIM_IN_BRAIN, Metric.UQI_IN_BRAIN),
        )
    )
    return (
        f"Paper-compatible SSIM and UQI give a constant {MAP_SPECS[name].title} "
        f"{paper}; in the brain it has {brain}"
    )


def _patient_lines(evaluation: Evaluation, width: int) -> list[str]:
    taken = {key.metric for key in evaluation.scores.keys}
    columns = [(title, metric) for title, metric in _OF_PATIENTS if metric in taken]
    if not columns:
        return []
    head = f"{'':5}{'method':{width}}" + "".join(f"{title:>11}" for title, _ in columns)
    return [
        head,
        *(
            f"{'':5}{method:{width}}"
            + "".join(f"{_mean(evaluation, method, None, m):>11}" for _, m in columns)
            for method in (MEASURED, *evaluation.rows)
        ),
    ]


def _mean(
    evaluation: Evaluation, method: str, name: PerfusionMap | None, metric: Metric
) -> str:
    summary = evaluation.summary(method, name, metric)
    return _shown(summary) if summary and summary.n else MISSING


def _shown(summary: Summary) -> str:
    return format_number(summary.mean, min(3, METRICS[summary.key.metric].digits))
