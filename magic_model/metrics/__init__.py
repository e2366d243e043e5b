"""How alike two images, two masks or two series of volumes are."""

from magic_model.metrics.bland_altman import BlandAltman, bland_altman
from magic_model.metrics.icc import IntraclassCorrelation, intraclass_correlation
from magic_model.metrics.interval import Interval
from magic_model.metrics.paper import ssim_paper, uqi_paper
from magic_model.metrics.pixelwise import (
    central_volume_residual,
    correlation,
    dice,
    mean_absolute_error,
    root_mean_square_error,
)
from magic_model.metrics.region import bounding_box
from magic_model.metrics.structure import ssim, ssim_map
from magic_model.metrics.universal import uqi, uqi_map

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
    "root_mean_square_error",
    "ssim",
    "ssim_map",
    "ssim_paper",
    "uqi",
    "uqi_map",
    "uqi_paper",
]
