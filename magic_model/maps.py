"""The perfusion maps: name, unit, range and DICOM code, defined nowhere else."""

from dataclasses import dataclass

from magic_model.errors import Named


class PerfusionMap(Named):
    """A perfusion parameter. Maps are named channels; any subset can be used."""

    CBF = "cbf"
    CBV = "cbv"
    MTT = "mtt"
    TTP = "ttp"
    TMAX = "tmax"


@dataclass(frozen=True)
class MapSpec:
    """Title, unit, range and codes of a map.

    Attributes:
        title: As it stands on a montage.
        long_name: As it stands in text.
        unit: As people write it.
        ucum: Unit in UCUM, as DICOM wants it.
        value_range: Smallest and largest value shown, and learned where a recipe does
            not reach further (paper 2.1.2; Tmax is not in the paper).
        dicom_code: Concept in the DICOM controlled terminology (DCM).
        dicom_meaning: Its meaning there.
    """

    title: str
    long_name: str
    unit: str
    ucum: str
    value_range: tuple[float, float]
    dicom_code: str
    dicom_meaning: str


MAP_SPECS: dict[PerfusionMap, MapSpec] = {
    PerfusionMap.CBF: MapSpec(
        title="CBF",
        long_name="cerebral blood flow",
        unit="mL/100g/min",
        ucum="ml/[100]g/min",
        value_range=(0.0, 60.0),
        dicom_code="113055",
        dicom_meaning="Regional Cerebral Blood Flow",
    ),
    PerfusionMap.CBV: MapSpec(
        title="CBV",
        long_name="cerebral blood volume",
        unit="mL/100g",
        ucum="ml/[100]g",
        value_range=(0.0, 4.0),
        dicom_code="113056",
        dicom_meaning="Regional Cerebral Blood Volume",
    ),
    PerfusionMap.MTT: MapSpec(
        title="MTT",
        long_name="mean transit time",
        unit="s",
        ucum="s",
        value_range=(0.0, 12.0),
        dicom_code="113052",
        dicom_meaning="Mean Transit Time",
    ),
    PerfusionMap.TTP: MapSpec(
        title="TTP",
        long_name="time to peak",
        unit="s",
        ucum="s",
        value_range=(0.0, 25.0),
        dicom_code="113069",
        dicom_meaning="Time To Peak",
    ),
    PerfusionMap.TMAX: MapSpec(
        title="Tmax",
        long_name="time to maximum of the residue function",
        unit="s",
        ucum="s",
        value_range=(0.0, 12.0),
        dicom_code="113084",
        dicom_meaning="Tmax",
    ),
}

PAPER_MAPS = (PerfusionMap.CBF, PerfusionMap.CBV, PerfusionMap.MTT, PerfusionMap.TTP)
"""The four maps of the paper."""
