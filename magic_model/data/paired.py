"""Generated maps beside the measured ones, slice by slice on one grid."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from magic_model.data import slices
from magic_model.data.cohort import Cohort, Patient
from magic_model.data.grid import resample
from magic_model.data.volume import FloatArray, Kind
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap


@dataclass(frozen=True, eq=False)
class PairedSlices:
    """Measured and generated maps of a patient.

    Attributes:
        patient: Row of the measured cohort (its severity, its lesion volumes).
        reference: NCCT, measured maps, mask and place of the slices.
        generated: `(n, size, size)` each, in its unit, on the slices of `reference`.
    """

    patient: Patient
    reference: slices.SliceStack
    generated: Mapping[PerfusionMap, FloatArray]


def pair_slices(
    measured: Cohort,
    generated: Cohort,
    maps: Sequence[PerfusionMap],
    *,
    geometry: slices.SliceGeometry = slices.PAPER_SLICES,
) -> Iterator[PairedSlices]:
    """Pair every patient of the generated cohort with the measured one.

    Slices, canvas and mask follow from the measured maps and the NCCT alone, so that
    both methods show the same places in the same way.

    Raises:
        DataError: If a patient or a map is missing on either side, or nothing overlaps.
    """
    known = {patient.patient_id: patient for patient in measured.patients}
    for row in generated.patients:
        if row.patient_id not in known:
            msg = f"{row.patient_id} is in {generated.folder}, not in {measured.folder}"
            raise DataError(msg)
        patient = known[row.patient_id]
        stack = _measured(measured, patient, maps, geometry)
        yield PairedSlices(
            patient=patient,
            reference=stack,
            generated=_onto(stack, generated, row, maps),
        )


def _measured(
    cohort: Cohort,
    patient: Patient,
    maps: Sequence[PerfusionMap],
    geometry: slices.SliceGeometry,
) -> slices.SliceStack:
    brain = Kind.BRAIN_MASK
    return slices.prepare_slices(
        patient.patient_id,
        cohort.load(patient, Kind.NCCT),
        {name: cohort.load(patient, Kind(name)) for name in maps},
        cohort.load(patient, brain) if brain in patient.images else None,
        geometry=geometry,
    )


def _onto(
    stack: slices.SliceStack, cohort: Cohort, row: Patient, maps: Sequence[PerfusionMap]
) -> dict[PerfusionMap, FloatArray]:
    _, height, width = stack.mask.shape
    shape = (width, height, int(stack.positions[-1]) + 1)
    # As the measured ones: a 0 outside the brain must not darken the rim of one method.
    known = slices.where_measured({name: cohort.load(row, Kind(name)) for name in maps})
    return {
        name: slices.to_display(resample(volume, stack.affine, shape).array)[
            stack.positions
        ]
        for name, volume in known.items()
    }
