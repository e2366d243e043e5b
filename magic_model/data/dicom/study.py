"""The study that written objects belong to, local ids in place of a hospital's."""

import datetime as dt
import hashlib
import os
import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from magic_model.errors import DataError

_IDENTIFYING = frozenset({
    "AccessionNumber", "AcquisitionDate", "AcquisitionDateTime", "AdmissionID",
    "AdmittingDate", "AdmittingDiagnosesDescription", "AdditionalPatientHistory",
    "InstitutionAddress", "InstitutionName",
    "InstitutionalDepartmentName", "IssuerOfPatientID", "MedicalRecordLocator",
    "NameOfPhysiciansReadingStudy", "Occupation", "OperatorsName", "OtherPatientIDs",
    "OtherPatientIDsSequence", "OtherPatientNames", "PatientAddress", "PatientAge",
    "PatientBirthDate", "PatientBirthName", "PatientBirthTime", "PatientComments",
    "PatientID", "PatientInsurancePlanCodeSequence", "PatientMotherBirthName",
    "PatientName", "PatientReligiousPreference", "PatientTelephoneNumbers",
    "PerformedProcedureStepID", "PerformingPhysicianName", "PhysiciansOfRecord",
    "ReferringPhysicianName", "RequestAttributesSequence", "RequestingPhysician",
    "SeriesDate", "StationName", "StudyDate", "StudyID",
})  # fmt: skip
"""Of DICOM PS3.15 table E.1-1 what an image object usually carries.

Devices, and dates at which an object was made, are not in it: of what this project
writes, they tell what computed a map and when.
"""

_SCREEN_COPIES = "1.2.840.10008.5.1.4.1.1.7"  # Secondary Capture, and its multi-frames


def identifying_attributes(dataset: Dataset) -> list[str]:
    """List what in a dataset would identify a patient.

    PatientID and PatientName pass where the dataset says that the identity was removed
    and both are the same study-local id. Empty attributes pass, private ones never.

    Returns:
        Paths such as `RequestAttributesSequence` or `X[0].PatientName`, sorted.
    """
    return sorted(_identifying(dataset, "", _is_study_local(dataset)))


def require_anonymous(dataset: Dataset, path: Path) -> None:
    """Refuse to write what would identify a patient.

    Raises:
        DataError: Naming the attributes.
    """
    found = identifying_attributes(dataset)
    if found:
        msg = f"{path}: must not identify a patient, got {', '.join(found)}"
        raise DataError(msg)


def burnt_in_warning(dataset: Dataset) -> str | None:
    """Warn of text that may stand in the pixels, where removing tags does not help.

    Returns:
        The reason to look, None where there is none.
    """
    flag = str(dataset.get("BurnedInAnnotation", None) or "").upper()
    if flag == "YES":
        return "BurnedInAnnotation is YES: text stands in the pixels"
    if str(dataset.get("SOPClassUID", "")).startswith(_SCREEN_COPIES):
        return "a secondary capture: text may stand in the pixels"
    if "SCREEN SAVE" in (dataset.get("ImageType", None) or ()):
        return "a screen save: text may stand in the pixels"
    return None


MANUFACTURER = "magic-ctp"
RESEARCH_ONLY = "RESEARCH USE ONLY"
DEIDENTIFICATION = "study-local ids, nothing copied from the source images"

SOFTWARE_VERSION = version("magic-ctp")

_LONGEST = 64  # characters of a DICOM long string


def new_uid() -> str:
    """Draw a UID that nothing leads back from (2.25 and a random number)."""
    return str(generate_uid(prefix=None))


def _new_secret() -> bytes:
    return secrets.token_bytes(32)


def _new_patient_id() -> str:
    return f"p{secrets.randbelow(10**12):012}"


@dataclass(frozen=True)
class StudyContext:
    """Identity of one patient's study; shared by all objects written for it.

    Attributes:
        patient_id: Study-local id; drawn at random if left out.
        secret: All UIDs follow from it; drawn at random if left out. `source_secret`
            makes one that whoever has the source's pixels can make again, and nobody
            else.
        method: What computed the objects; another method has other UIDs in one study.
        is_synthetic: Whether the objects are made by a network, and say so.

    Raises:
        DataError: If the id is empty, too long, or has a sign that DICOM keeps for
            itself.
    """

    patient_id: str = field(default_factory=_new_patient_id)
    secret: bytes = field(default_factory=_new_secret, repr=False)
    method: str = ""
    is_synthetic: bool = False

    def __post_init__(self) -> None:
        """Refuse an id that DICOM cannot hold."""
        is_plain = self.patient_id.isascii() and self.patient_id.isprintable()
        if (
            not self.patient_id.strip()
            or len(self.patient_id) > _LONGEST
            or not is_plain
            or set(self.patient_id) & set("\\^=")
        ):
            msg = (
                f"A patient id must be 1 to {_LONGEST} plain characters without "
                f"\\, ^ and =, got {self.patient_id!r}"
            )
            raise DataError(msg)

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID, whatever the method."""
        return self._derive("study")

    @property
    def frame_of_reference_uid(self) -> str:
        """One for all images that lie in the same space, whatever the method."""
        return self._derive("space")

    @property
    def use(self) -> str:
        """What a person must be told of every object."""
        return f"{RESEARCH_ONLY} - SYNTHETIC" if self.is_synthetic else RESEARCH_ONLY

    def object_uid(self, *role: object) -> str:
        """Return the UID of a series or object of this method, by what it is."""
        return self._derive("object", self.method, *map(str, role))

    def replace_uid(self, uid: str) -> str:
        """Return the UID that stands for a source's here, always the same one."""
        return self._derive("source", str(uid))

    def _derive(self, *words: str) -> str:
        """Make a UID of the form 2.25 and the number of a UUID (PS3.5 B.2)."""
        text = "\0".join(words).encode()
        digest = hashlib.sha256(self.secret + b"\0" + text).digest()
        return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"

    def refer_to(self, dataset: Dataset, source: Sequence[Dataset]) -> None:
        """Refer to source images by study-local UIDs; without any, to none."""
        for keyword in ("ReferencedSeriesSequence", "SourceImageSequence"):
            if keyword in dataset:
                delattr(dataset, keyword)
        if not source:
            return
        by_series: dict[str, list[Dataset]] = {}
        for image in source:
            reference = Dataset()
            reference.ReferencedSOPClassUID = image.SOPClassUID
            reference.ReferencedSOPInstanceUID = self.replace_uid(image.SOPInstanceUID)
            series_uid = self.replace_uid(image.SeriesInstanceUID)
            by_series.setdefault(series_uid, []).append(reference)
        dataset.ReferencedSeriesSequence = _referenced_series(by_series)
        dataset.SourceImageSequence = [
            deepcopy(reference) for group in by_series.values() for reference in group
        ]

    def require_not_from(self, source: Iterable[Dataset]) -> None:
        """Refuse to write a patient's own id.

        Raises:
            DataError: If the study-local id is the id or name in a source image whose
                identity was not removed.
        """
        for dataset in source:
            if dataset.get("PatientIdentityRemoved", None) == "YES":
                continue
            own = {str(dataset.get("PatientID", None)), str(dataset.get("PatientName"))}
            if self.patient_id in own:
                msg = "A study-local id must not be the source's patient id or name"
                raise DataError(msg)

    def mark(self, dataset: Dataset) -> None:
        """Write into a dataset whose brain it shows and that identity was removed."""
        dataset.PatientID = self.patient_id
        dataset.PatientName = self.patient_id
        dataset.PatientBirthDate = ""
        dataset.PatientSex = ""
        dataset.StudyInstanceUID = self.study_uid
        dataset.BodyPartExamined = "BRAIN"
        dataset.PatientIdentityRemoved = "YES"
        dataset.DeidentificationMethod = DEIDENTIFICATION
        if self.is_synthetic:
            dataset.SyntheticData = "YES"


def _referenced_series(by_series: Mapping[str, list[Dataset]]) -> list[Dataset]:
    referenced = []
    for uid, references in by_series.items():
        series = Dataset()
        series.SeriesInstanceUID = uid
        series.ReferencedInstanceSequence = references
        referenced.append(series)
    return referenced


def source_secret(patient_id: str, pixels: bytes) -> bytes:
    """Return what a patient's UIDs follow from: the study-local id and the pixels.

    They are the same each time, and who has no more than names, numbers or UIDs of the
    source cannot make them. Who has the images knows already whose maps they are.

    Args:
        patient_id: Study-local id.
        pixels: Values of the source, or a hash of them.
    """
    return hashlib.sha256(patient_id.encode() + b"\0" + pixels).digest()


def stamp(dataset: Dataset) -> None:
    """Write when an object was made: now, or the time in SOURCE_DATE_EPOCH (UTC)."""
    now = _time_of_writing()
    date, time = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    dataset.InstanceCreationDate = dataset.ContentDate = date
    dataset.InstanceCreationTime = dataset.ContentTime = time
    for equipment in dataset.get("ContributingEquipmentSequence", None) or ():
        equipment.ContributionDateTime = date + time


def _time_of_writing() -> dt.datetime:
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    if fixed.isdecimal():
        return dt.datetime.fromtimestamp(int(fixed), dt.UTC)
    return dt.datetime.now().astimezone()


def _is_study_local(dataset: Dataset) -> bool:
    removed = dataset.get("PatientIdentityRemoved", None) == "YES"
    name = str(dataset.get("PatientName", None) or "")
    return removed and name == str(dataset.get("PatientID", None) or "")


def _identifying(dataset: Dataset, where: str, is_study_local: bool) -> list[str]:
    found = []
    for element in dataset:
        if element.tag.is_private:
            found.append(f"{where}{element.tag}")
            continue
        is_local = is_study_local and element.keyword in {"PatientID", "PatientName"}
        if element.keyword in _IDENTIFYING and not element.is_empty and not is_local:
            found.append(f"{where}{element.keyword}")
        elif element.VR == "SQ":
            for i, item in enumerate(element.value):
                found += _identifying(item, f"{where}{element.keyword}[{i}].", False)
    return found
