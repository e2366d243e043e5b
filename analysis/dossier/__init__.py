"""What journals, boards and regulators ask of a study, answered from its record."""

from analysis.dossier.writing import write_dossier

__all__ = ["write_dossier"]
