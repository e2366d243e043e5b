"""Types of the names that `reader_study` loads when they are used."""

from reader_study.api import RunningStudy as RunningStudy
from reader_study.api import audit as audit
from reader_study.api import build as build
from reader_study.api import open_study as open_study
from reader_study.api import restore as restore
from reader_study.api import simulate as simulate
from reader_study.api import unblind as unblind
from reader_study.blinding_audit.findings import AuditReport as AuditReport
from reader_study.building.builder import BuiltStudy as BuiltStudy
from reader_study.errors import StudyError as StudyError
from reader_study.formats.checking import FormatError as FormatError
from reader_study.formats.manifest import Manifest as Manifest
from reader_study.formats.protocol import Protocol as Protocol
from reader_study.formats.protocol import read_protocol as read_protocol
from reader_study.formats.questionnaire import Questionnaire as Questionnaire
from reader_study.formats.questionnaire import (
    paper_questionnaire as paper_questionnaire,
)
from reader_study.formats.questionnaire import read_questionnaire as read_questionnaire
from reader_study.reading.reading_session import ReadingSession as ReadingSession
from reader_study.rehearsal.bots import SimulationPlan as SimulationPlan
from reader_study.rehearsal.simulation import Simulated as Simulated
from reader_study.running.flow import Flow as Flow
from reader_study.running.status import StudyStatus as StudyStatus
from reader_study.running.unblinding import Unblinded as Unblinded
from reader_study.store.verifying import Verification as Verification

__version__: str
__all__: list[str]
