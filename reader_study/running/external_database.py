"""Where the database of a study is, if not in its folder; so that no other is made."""

import json
from pathlib import Path

from sqlalchemy.engine import make_url

from reader_study.errors import StudyError
from reader_study.formats.checking import fields
from reader_study.formats.questionnaire import read_json

NOTE = "database.json"
_NAMES = ("kind", "host", "name", "user")


def note_database(folder: Path, url: str) -> None:
    """Note a database that lies elsewhere, without its password, unless one is noted.

    A folder that cannot be written, as on a reading server, is left as it is.
    """
    given = make_url(url)
    host = given.host or given.query.get("host", "")
    content = {
        "kind": given.get_backend_name(),
        "host": host if isinstance(host, str) else ", ".join(host),
        "name": given.database or "",
        "user": given.username or "",
    }
    try:
        with (folder / NOTE).open("x", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    except OSError:
        return


def require_here(folder: Path) -> None:
    """Refuse to use the database in the folder if the study's is elsewhere.

    Raises:
        StudyError: If one was noted; it is named.
    """
    path = folder / NOTE
    if not path.exists():
        return
    noted = fields(read_json(path), str(path), _NAMES)
    who = f"{noted['user']}@" if noted["user"] else ""
    where = f"{noted['kind']} {who}{noted['host']}/{noted['name']}"
    msg = f"The study's database must be named by --database; it is {where} ({path})"
    raise StudyError(msg)
