"""What in a DICOM object would tell who the patient is."""

from pydicom.dataset import Dataset

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
