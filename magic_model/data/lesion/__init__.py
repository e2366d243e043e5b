"""Infarct core and tissue at risk: found in maps, or drawn as masks."""

from magic_model.data.lesion.found import Lesion, find_lesion, lesion_from_masks

__all__ = ["Lesion", "find_lesion", "lesion_from_masks"]
