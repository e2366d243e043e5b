"""Types of the names that `analysis` loads when they are used."""

from analysis import accuracy as accuracy
from analysis import agreement as agreement
from analysis import bangdiwala as bangdiwala
from analysis import charts as charts
from analysis import intervals as intervals
from analysis import multireader as multireader
from analysis import power as power
from analysis import questions as questions
from analysis import recovery as recovery
from analysis import reproduction as reproduction
from analysis import symmetry as symmetry
from analysis import tables as tables
from analysis.accuracy import MultireaderAccuracy as MultireaderAccuracy
from analysis.accuracy import multireader_accuracy as multireader_accuracy
from analysis.agreement import brennan_prediger as brennan_prediger
from analysis.agreement import cohen_kappa as cohen_kappa
from analysis.agreement import gwet_ac as gwet_ac
from analysis.agreement import intraclass_correlation as intraclass_correlation
from analysis.agreement import krippendorff_alpha as krippendorff_alpha
from analysis.agreement import maximum_kappa as maximum_kappa
from analysis.agreement import percent_agreement as percent_agreement
from analysis.agreement import scott_pi as scott_pi
from analysis.agreement import skew_indices as skew_indices
from analysis.agreement.intraclass import IntraclassCorrelation as IntraclassCorrelation
from analysis.agreement.percent import PercentAgreement as PercentAgreement
from analysis.agreement.percent import SkewIndices as SkewIndices
from analysis.agreement.result import AgreementResult as AgreementResult
from analysis.agreement.result import ChanceCorrectedResult as ChanceCorrectedResult
from analysis.api import ArmsStudy as ArmsStudy
from analysis.api import DisplayStudy as DisplayStudy
from analysis.api import Study as Study
from analysis.api import read_arms as read_arms
from analysis.api import read_study as read_study
from analysis.bangdiwala import bangdiwala_b as bangdiwala_b
from analysis.charts import agreement_chart as agreement_chart
from analysis.errors import InputError as InputError
from analysis.intervals import ConfidenceInterval as ConfidenceInterval
from analysis.intervals import proportion_interval as proportion_interval
from analysis.multireader import Bootstrap as Bootstrap
from analysis.multireader import ClusteredEstimate as ClusteredEstimate
from analysis.multireader import Pairs as Pairs
from analysis.multireader import ReaderAgreement as ReaderAgreement
from analysis.multireader import clustered_ac1 as clustered_ac1
from analysis.multireader import clustered_agreement as clustered_agreement
from analysis.multireader import clustered_kappa as clustered_kappa
from analysis.multireader import leave_one_reader_out as leave_one_reader_out
from analysis.multireader import per_class as per_class
from analysis.multireader.by_reader import per_reader as per_reader
from analysis.multireader.limits_of_agreement import (
    LimitsOfAgreement as LimitsOfAgreement,
)
from analysis.multireader.limits_of_agreement import (
    limits_of_agreement as limits_of_agreement,
)
from analysis.power import PowerFigures as PowerFigures
from analysis.power import PowerTest as PowerTest
from analysis.power import StudySize as StudySize
from analysis.power import power_overview as power_overview
from analysis.power.design import DesignAssumptions as DesignAssumptions
from analysis.power.design import DesignSize as DesignSize
from analysis.power.simulation import DesignGrid as DesignGrid
from analysis.power.simulation import design_grid as design_grid
from analysis.recovery import KnownMargins as KnownMargins
from analysis.recovery import TooMuchWorkError as TooMuchWorkError
from analysis.recovery import count_tables as count_tables
from analysis.recovery import feasible_tables as feasible_tables
from analysis.recovery import tables_by_reader as tables_by_reader
from analysis.reproduction import Reproduction as Reproduction
from analysis.reproduction import reproduce_paper as reproduce_paper
from analysis.responses.ratings import read_ratings as read_ratings
from analysis.symmetry import TestResult as TestResult
from analysis.symmetry import bowker as bowker
from analysis.symmetry import mcnemar as mcnemar
from analysis.symmetry import stuart_maxwell as stuart_maxwell
from analysis.tables import ContingencyTable as ContingencyTable
from reader_study.formats.checking import FormatError as FormatError

__version__: str
__all__: list[str]
