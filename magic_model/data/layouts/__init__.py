"""How patients lie on disk: one file per public data set as downloaded."""

from magic_model.data.layouts.registry import LAYOUTS, find_patients
from magic_model.data.layouts.source import ImageLoader, Layout, PatientSource

__all__ = ["LAYOUTS", "ImageLoader", "Layout", "PatientSource", "find_patients"]
