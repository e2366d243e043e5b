"""`magic-app read`: check the study, then serve it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.configuration import LOOPBACK, require_free, settings
from app.oidc.accounts import ACCOUNTS, Accounts, accounts_for
from app.room import DATABASE, STUDY, open_room
from app.secret_file import shared_secret


@dataclass(frozen=True)
class Serving:
    """How a study is served.

    Attributes:
        port: On the loopback.
        hosts: Names under which browsers know the server; empty for the loopback's.
        secret_file: With the secret that all processes share; None for none.
        oidc: File of hospital accounts that let readers in; None for codes alone.
    """

    port: int
    hosts: tuple[str, ...] = ()
    secret_file: Path | None = None
    oidc: Path | None = None

    def flags(self) -> dict[str, Any]:
        """Give the settings of Streamlit.

        Raises:
            StudyError: If a file cannot be used.
        """
        secret = shared_secret(self.secret_file) if self.secret_file else ""
        return settings(self.port, hosts=self.hosts or LOOPBACK, cookie_secret=secret)

    def accounts(self, study: Path) -> Accounts | None:
        """Give the hospital accounts; None if there are none.

        Raises:
            StudyError: If their file cannot be used for this study and these hosts.
        """
        if self.oidc is None:
            return None
        return accounts_for(study, self.oidc, self.hosts or LOOPBACK)


def prepare(folder: Path, database: str | None, serving: Serving) -> str:
    """Open a study once, so that faults are told before a server runs.

    Returns:
        Where readers find it.

    Raises:
        StudyError: If the study, its database, a file or the port cannot be used.
    """
    serving.flags()
    accounts = serving.accounts(folder)
    room = open_room(folder, database)
    phase, protocol = room.state()
    room.store.close()
    require_free(serving.port)
    where = f"http://127.0.0.1:{serving.port}"
    if serving.hosts:
        where = f"https://{serving.hosts[0]}, through a proxy to {where}"
    text = f"{protocol.title}\nThe study is {phase}. Readers find it at {where}"
    if accounts:
        text += f"\n{len(accounts.readers)} hospital account(s) of {accounts.issuer}"
    return text


def prepare_demo(folder: Path, serving: Serving) -> str:
    """Make a demonstration unless it is there, and give a code to enter it.

    Raises:
        StudyError: If the folder cannot be used.
    """
    from app.demo import READER, make_demo, new_code

    study = folder / "STUDY"
    if not study.exists():
        make_demo(folder)
    text = prepare(study, None, serving)
    return f"{text}\nDrawn pictures, no patients. Name {READER}, code {new_code(study)}"


def run(folder: Path, database: str | None, serving: Serving) -> None:
    """Serve a study until stopped."""
    os.environ[STUDY] = str(folder.resolve())
    os.environ[DATABASE] = database or ""
    os.environ[ACCOUNTS] = str(serving.oidc.resolve()) if serving.oidc else ""

    from app.server import serve

    serve(serving.flags())
