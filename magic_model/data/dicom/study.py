"""The study that what we write belongs to: local ids in place of a hospital's."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from magic_model.errors import DataError

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
        """Give the UID that stands for a source's here, always the same one."""
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
