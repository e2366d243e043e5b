import math
from pathlib import Path

import numpy as np
import pytest

from magic_model.data.cohort import Cohort, Patient
from magic_model.data.nifti import write_nifti
from magic_model.data.paired import pair_slices
from magic_model.data.slices import SliceGeometry
from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.severity import Severity


@pytest.mark.parametrize("size", [64, 96])
def test_equal_maps_stay_equal_on_any_grid(tmp_path, head, maps_maker, size):
    # On 96 pixels the maps are interpolated: 0 outside the brain must not darken the
    # rim of one method only, or readers could tell the two apart by it.
    maps = maps_maker(head).maps
    images = {Kind.NCCT: head.ncct, Kind.BRAIN_MASK: head.brain}
    images |= {Kind(name): volume for name, volume in maps.items()}
    for kind, volume in images.items():
        write_nifti(volume, tmp_path / f"{kind}.nii.gz")
    paths = {kind: Path(f"{kind}.nii.gz") for kind in images}
    unknown = (math.nan, math.nan, math.nan)
    cohort = Cohort(
        tmp_path, [Patient("P1", Split.TEST, Severity.SEVERE, *unknown, paths)]
    )
    geometry = SliceGeometry(size=size, n_slices=4)
    (pair,) = pair_slices(cohort, cohort, list(maps), geometry=geometry)
    for name in maps:
        assert np.array_equal(pair.generated[name], pair.reference.maps[name]), name
