"""What reporting guidelines ask of a reader study.

GRRAS: Kottner J, et al. J Clin Epidemiol 2011;64:96. doi:10.1016/j.jclinepi.2010.03.002
Of CLAIM (2024 update, doi:10.1148/ryai.240300) and STARD-AI
(doi:10.1038/s41591-025-03953-8) only what readers and their agreement are about; the
wording is this project's, and items are named by subject, not by number.
"""

from collections.abc import Mapping

GRRAS: Mapping[int, str] = {
    1: "Title or abstract says that agreement or reliability was studied",
    2: "Device or method of interest",
    3: "Population of subjects",
    4: "Population of readers",
    5: "What is known already, and why this study",
    6: "How the sample size was chosen; readers, subjects and replicates planned",
    7: "How subjects and readers were sampled",
    8: "How readings were done: interval, clinical information, blinding",
    9: "Whether readings were independent",
    10: "Statistical analysis",
    11: "Readers, subjects and readings that were included",
    12: "Readers and subjects: training, experience, other characteristics",
    13: "Agreement and reliability with their uncertainty",
    14: "What the results mean in practice",
    15: "Detailed results",
}

READER_STUDY: Mapping[str, tuple[str, str]] = {
    "reference": ("CLAIM", "Reference standard: definition and rationale"),
    "readers": ("CLAIM", "Who annotated: number, qualification, preparation"),
    "variability": ("CLAIM", "Variability between and within readers"),
    "missing": ("CLAIM", "How missing data were handled"),
    "size": ("CLAIM", "Intended sample size and how it was determined"),
    "uncertainty": ("CLAIM", "Measures of significance and uncertainty"),
    "sensitivity": ("CLAIM", "Robustness or sensitivity analysis"),
    "failures": ("CLAIM", "Failure analysis"),
    "limits": ("CLAIM", "Limitations, bias, generalisability"),
    "software": ("CLAIM", "Availability of software, model and data"),
    "blinding": ("STARD-AI", "What readers of each method knew; blinding"),
    "interval": ("STARD-AI", "Interval between the readings of both methods"),
    "flow": ("STARD-AI", "Flow, with exclusions and deviations"),
    "groups": ("STARD-AI", "Performance in subgroups; fairness"),
    "registration": ("STARD-AI", "Registration, protocol, funding, interests"),
}
