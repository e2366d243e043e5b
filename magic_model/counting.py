"""Counts of patients in words."""


def counted(count: int) -> str:
    """Say how many patients.

    Examples:
        >>> counted(1), counted(20)
        ('1 patient', '20 patients')
    """
    return f"{count} patient" if count == 1 else f"{count} patients"
