"""Patients in: volumes, preprocessing, cohorts."""
