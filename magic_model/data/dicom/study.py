"""The study that written objects belong to, local ids in place of a hospital's."""

import secrets
from collections.abc import Iterable
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


def _new_patient_id() -> str:
    return f"p{secrets.randbelow(10**12):012}"


@dataclass(frozen=True)
class StudyContext:
    """Identity of one patient's study; shared by all objects written for it.

    Attributes:
        patient_id: Study-local id; drawn at random if left out.
        study_uid: StudyInstanceUID.
        frame_of_reference_uid: One for all images that lie in the same space.

    Raises:
        DataError: If the id is empty, too long, or has a sign that DICOM keeps for
            itself.
    """

    patient_id: str = field(default_factory=_new_patient_id)
    study_uid: str = field(default_factory=new_uid)
    frame_of_reference_uid: str = field(default_factory=new_uid)
    _replacements: dict[str, str] = field(
        default_factory=dict, repr=False, compare=False
    )

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

    def replace_uid(self, uid: str) -> str:
        """Return the UID that stands for a source's here, always the same one."""
        return self._replacements.setdefault(str(uid), new_uid())

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
