"""The figures of a patient: names, units, and when one is undefined."""

from dataclasses import dataclass
from enum import StrEnum

from magic_model.maps import MAP_SPECS, PerfusionMap


class Metric(StrEnum):
    """A figure of one patient."""

    SSIM_IN_BRAIN = "ssim_in_brain"
    UQI_IN_BRAIN = "uqi_in_brain"
    SSIM_BOX = "ssim_bounding_box"
    UQI_BOX = "uqi_bounding_box"
    SSIM_PAPER = "ssim_paper_compatible"
    UQI_PAPER = "uqi_paper_compatible"
    MAE = "mean_absolute_error"
    RMSE = "root_mean_square_error"
    CORRELATION = "correlation"
    PSNR = "peak_signal_to_noise_ratio"
    MAE_SHOWN = "mean_absolute_error_as_shown"
    CORE_DICE = "core_dice"
    AT_RISK_DICE = "tissue_at_risk_dice"
    CORE_AUC = "core_auc"
    AT_RISK_AUC = "tissue_at_risk_auc"
    CORE_ML = "core_ml"
    AT_RISK_ML = "tissue_at_risk_ml"
    CENTRAL_RESIDUAL = "central_volume_residual"


@dataclass(frozen=True)
class MetricSpec:
    """Title, unit and digits of a metric.

    Attributes:
        title: As it stands in a table.
        unit: Empty for a pure number; "map" for the unit of the map.
        digits: Shown after the point.
        undefined: Why it may have no value.
    """

    title: str
    unit: str
    digits: int
    undefined: str


_SMALL = "no window lies in the region"
_CONSTANT = "a constant map correlates with nothing"
_EQUAL = "maps that are equal have no noise"
_EMPTY = "no patient has a measured one"
_NEVER = "no patient"

METRICS: dict[Metric, MetricSpec] = {
    Metric.SSIM_IN_BRAIN: MetricSpec("SSIM in brain", "", 3, _SMALL),
    Metric.UQI_IN_BRAIN: MetricSpec("UQI in brain", "", 3, _SMALL),
    Metric.SSIM_BOX: MetricSpec("SSIM bounding box", "", 3, _SMALL),
    Metric.UQI_BOX: MetricSpec("UQI bounding box", "", 3, _SMALL),
    Metric.SSIM_PAPER: MetricSpec("SSIM paper-compatible", "", 4, _NEVER),
    Metric.UQI_PAPER: MetricSpec("UQI paper-compatible", "", 4, _NEVER),
    Metric.MAE: MetricSpec("MAE", "map", 2, _NEVER),
    Metric.RMSE: MetricSpec("RMSE", "map", 2, _NEVER),
    Metric.CORRELATION: MetricSpec("r", "", 3, _CONSTANT),
    Metric.PSNR: MetricSpec("PSNR", "dB", 2, _EQUAL),
    Metric.MAE_SHOWN: MetricSpec("MAE as shown", "map", 2, _NEVER),
    Metric.CORE_DICE: MetricSpec("Dice of core", "", 3, _EMPTY),
    Metric.AT_RISK_DICE: MetricSpec("Dice of tissue at risk", "", 3, _EMPTY),
    Metric.CORE_AUC: MetricSpec("AUC of core", "", 3, _EMPTY),
    Metric.AT_RISK_AUC: MetricSpec("AUC of tissue at risk", "", 3, _EMPTY),
    Metric.CORE_ML: MetricSpec("Core", "mL", 1, _NEVER),
    Metric.AT_RISK_ML: MetricSpec("Tissue at risk", "mL", 1, _NEVER),
    Metric.CENTRAL_RESIDUAL: MetricSpec(
        "Central volume residual", "mL/100g", 3, _NEVER
    ),
}

MAP_METRICS = tuple(Metric)[:11]
"""Of one map; the others are of the patient."""


def unit_of(metric: Metric, name: PerfusionMap | None) -> str:
    """Unit of a metric of a map; empty for a pure number."""
    unit = METRICS[metric].unit
    return MAP_SPECS[name].unit if unit == "map" and name else unit
