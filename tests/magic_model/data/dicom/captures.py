"""Secondary captures to read, as the scanners of others write them."""

import highdicom as hd
import numpy as np
from pydicom.uid import ExplicitVRLittleEndian

from magic_model.data.dicom.files import write_dataset
from magic_model.data.dicom.study import StudyContext, new_uid


def write_secondary_capture(rgb, path):
    """Write a picture `(height, width, 3)` of uint8 as one uncompressed file."""
    study = StudyContext()
    dataset = hd.sc.SCImage(
        pixel_array=np.ascontiguousarray(rgb),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        study_instance_uid=study.study_uid,
        series_instance_uid=new_uid(),
        series_number=100,
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer="none",
        patient_orientation=("L", "P"),
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    study.mark(dataset)
    dataset.BurnedInAnnotation = "YES"
    write_dataset(dataset, path)
