"""What is written of generated maps for others: DICOM objects and BIDS derivatives."""
