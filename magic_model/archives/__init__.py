"""Where many patients come from: a folder, a bucket of S3, a DICOMweb server."""
