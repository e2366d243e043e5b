"""How alike two images, two masks or two series of volumes are."""

from magic_model.metrics.method_agreement import (
    BlandAltman,
    Interval,
    IntraclassCorrelation,
    bland_altman,
    intraclass_correlation,
)
from magic_model.metrics.pixelwise import (
    bounding_box,
    central_volume_residual,
    correlation,
    dice,
    mean_absolute_error,
    peak_signal_to_noise,
    root_mean_square_error,
)
from magic_model.metrics.similarity import (
    ssim,
    ssim_map,
    ssim_paper,
    uqi,
    uqi_map,
    uqi_paper,
)

__all__ = [
    "BlandAltman",
    "Interval",
    "IntraclassCorrelation",
    "bland_altman",
    "bounding_box",
    "central_volume_residual",
    "correlation",
    "dice",
    "intraclass_correlation",
    "mean_absolute_error",
    "peak_signal_to_noise",
    "root_mean_square_error",
    "ssim",
    "ssim_map",
    "ssim_paper",
    "uqi",
    "uqi_map",
    "uqi_paper",
]
