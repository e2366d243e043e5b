"""The hospital accounts of the study that this process serves."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from app.oidc.accounts import Accounts
from app.oidc.accounts_file import read_accounts
from reader_study.errors import StudyError

ACCOUNTS = "READING_ACCOUNTS"
"""Environment variable: file of hospital accounts; empty for none."""


def accounts_for(study: Path, path: Path, hosts: Sequence[str]) -> Accounts:
    """Read the accounts and check that they fit the server.

    Args:
        study: Folder of the study, which is copied around and must hold no secret.
        path: Of the file.
        hosts: Names under which the server answers.

    Raises:
        StudyError: If the file cannot be used, or lies in the study.
    """
    if path.resolve().is_relative_to(study.resolve()):
        msg = f"{path} must lie outside the study, got a path in {study}"
        raise StudyError(msg)
    accounts = read_accounts(path)
    if accounts.host not in hosts:
        names = " or ".join(hosts)
        msg = f"{path}: redirect_uri must name {names}, got {accounts.host}"
        raise StudyError(msg)
    return accounts


@cache
def served_accounts() -> Accounts | None:
    """Give the accounts of the file that the environment names; read once.

    Raises:
        StudyError: If it cannot be used.
    """
    path = os.environ.get(ACCOUNTS)
    return read_accounts(Path(path)) if path else None
