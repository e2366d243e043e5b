"""Where the database of a study is, if not in its folder; so that no other is made."""

from pathlib import Path

from sqlalchemy.engine import make_url

from reader_study.errors import StudyError
from reader_study.formats.checking import Text, check, json_text, read_json, record

NOTE = "database.json"


@record
class _Noted:
    """Where a database is, without its password."""

    kind: Text
    host: Text
    name: Text
    user: Text


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
            file.write(json_text(content, indent=1))
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
    source = read_json(path)
    noted = check(_Noted, source.content, source)
    who = f"{noted.user}@" if noted.user else ""
    where = f"{noted.kind} {who}{noted.host}/{noted.name}"
    msg = f"The study's database must be named by --database; it is {where} ({path})"
    raise StudyError(msg)
