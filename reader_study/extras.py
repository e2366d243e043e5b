"""What a plain installation lacks: one sentence with the extra that brings it."""

from collections.abc import Mapping

EXTRAS: Mapping[str, str] = {
    "PIL": "study",
    "alembic": "study",
    "cryptography": "study",
    "psycopg": "study",
    "rich": "study",
    "sklearn": "study",
    "sqlalchemy": "study",
}
"""Which extra brings a package that a command on a study may miss."""


def lacking(
    error: ModuleNotFoundError, extras: Mapping[str, str] = EXTRAS
) -> str | None:
    """Say what to install; None if no extra brings what is missing.

    Args:
        error: As the import raised it.
        extras: Name of the extra by package.

    Examples:
        >>> lacking(ModuleNotFoundError(name="sqlalchemy"))
        'sqlalchemy is not installed; install magic-ctp[study]'
    """
    name = (error.name or "").partition(".")[0]
    if name not in extras:
        return None
    return f"{name} is not installed; install magic-ctp[{extras[name]}]"
