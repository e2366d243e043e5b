"""A study as others take it: data, codebook, and a program of other people's.

`write_deposit` makes a folder for an archive or a journal. In it lie the readings with
readers under other names, a codebook, an R script that computes the headline again with
packages that this project has no part in, and the same data as REDCap, CDISC ODM,
Psych-DS and RO-Crate know them.
"""

from analysis.deposit.crate import Described
from analysis.deposit.writing import write_deposit

__all__ = ["Described", "write_deposit"]
