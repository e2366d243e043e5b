"""The table of lesions and of the central volume principle."""

from magic_model.evaluation.metric import METRICS, Metric
from magic_model.evaluation.predictors import MEASURED
from magic_model.evaluation.result import Evaluation
from magic_model.evaluation.table import MISSING, Cell, Figure, Table
from magic_model.evaluation.volumes import LESION_VOLUMES, VolumeAgreement

_FIGURES = (Metric.CORE_DICE, Metric.AT_RISK_DICE, Metric.CENTRAL_RESIDUAL)


def lesion_table(evaluation: Evaluation) -> Table:
    """Overlap and volumes of core and tissue at risk, and the central residual.

    The first row is the measured maps under the same rules: how far these reproduce
    the measured lesion at all.
    """
    agreement = {(v.method, v.metric): v for v in evaluation.volumes}
    rows: list[list[Cell]] = []
    for method in (MEASURED, *evaluation.rows):
        cells: list[Cell] = []
        for metric in _FIGURES:
            summary = evaluation.summary(method, None, metric)
            digits = METRICS[metric].digits
            cells.append(
                Figure(summary.mean, digits, summary.interval) if summary else MISSING
            )
        for metric in LESION_VOLUMES:
            cells += _volume_cells(agreement.get((method, metric)))
        rows.append([method, *cells])
    if all(cell == MISSING for row in rows for cell in row[1:]):
        rows = []
    return Table(
        name="lesions",
        title="Core, tissue at risk, and the central volume principle",
        caption="Dice: mean over patients in whom the measured lesion is not empty (95 "
        "% interval by bootstrap, none below 3 patients). Residual: mean |CBV - CBF x "
        "MTT / 60| in the brain. Bias: generated minus measured volume (95 % limits of "
        "agreement). ICC(2,1): absolute agreement (95 % interval).",
        header=[
            "Method",
            "Core Dice",
            "At-risk Dice",
            "Residual [mL/100g]",
            "Core bias [mL]",
            "Core ICC",
            "At-risk bias [mL]",
            "At-risk ICC",
        ],
        rows=rows,
    )


def _volume_cells(agreement: VolumeAgreement | None) -> list[Cell]:
    if agreement is None:
        return [MISSING, MISSING]
    differences = agreement.differences
    return [
        Figure(differences.bias, 1, differences.limits),
        Figure(agreement.icc, 3, agreement.icc_interval),
    ]
