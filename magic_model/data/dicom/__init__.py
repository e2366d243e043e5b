"""DICOM in and out: CT series, perfusion maps, Parametric Maps, secondary captures."""
