"""The blinding audit: does anything but the picture itself tell the methods apart?"""

from reader_study.blinding_audit.audit import audit_study, picture_audit
from reader_study.blinding_audit.findings import AuditReport, Check, Cue

__all__ = ["AuditReport", "Check", "Cue", "audit_study", "picture_audit"]
