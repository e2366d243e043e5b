import re
import shutil
import subprocess
import sys

import pytest

from app import cli
from app.deployment import NAMES, Deployment, filled_in, security_policy
from reader_study.errors import StudyError
from tests.programs import find_program

DEPLOY = [
    "--host", "reading.example.org", "--study", "/srv/study/STUDY",
    "--database", "postgresql:///study", "--processes", "3",
]  # fmt: skip


def plan(**settings):
    values = {"host": "reading.example.org", "study": "/srv/study/STUDY"}
    return Deployment(**values | settings)


def test_all_files_are_written_filled_in(tmp_path, capsys):
    folder = tmp_path / "deployed"

    assert cli.main(["deploy", str(folder), *DEPLOY]) == 0
    assert "ports 8501, 8502, 8503; the monitor on 8504" in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == set(NAMES)
    for path in folder.iterdir():
        assert not re.search("@[A-Z_]+@", path.read_text()), path
    assert "server 127.0.0.1:8503 " in (folder / "magic-app.conf").read_text()
    environment = (folder / "magic-app.env").read_text()
    assert 'MAGIC_DATABASE="--database postgresql:///study"' in environment
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_that_is_there_stays_as_it_is(tmp_path, capsys):
    (tmp_path / "mine").write_text("")
    assert cli.main(["deploy", str(tmp_path), *DEPLOY]) == 2
    assert "must be a new folder" in capsys.readouterr().err
    assert cli.main(["deploy", str(tmp_path / "no" / "where"), *DEPLOY]) == 2
    assert "cannot be written: No such file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"host": "a b"}, "host must be a name"),
        ({"host": "x;return 200"}, "host must be a name"),
        ({"study": "STUDY"}, "study must be a path from /"),
        ({"study": "/srv/a b"}, "study must be a path"),
        ({"user": "Root!"}, "user must be"),
        ({"database": "postgresql://a:hush@h/d"}, "leave the password to PGPASSFILE"),
        ({"database": "postgresql:///d?password=x"}, "leave the password"),
        ({"database": "postgresql:///d x"}, "database must be a URL"),
        ({"processes": 0}, "processes must be 1 to 64, got 0"),
        ({"more": ["TWO"]}, "study must be a path from / .*, got 'TWO'"),
        ({"more": ["/srv/study/STUDY"]}, "Studies must differ"),
        ({"more": ["/srv/study-STUDY"]}, "Studies must differ, also with - for /"),
        (
            {"more": ["/srv/TWO"], "oidc": "/etc/accounts.toml"},
            "oidc must be given with one study, got 2",
        ),
        (
            {"more": ["/srv/TWO"], "database": "sqlite:////srv/one.sqlite"},
            "database of several studies must be PostgreSQL's",
        ),
        ({"first_port": 443}, "Ports must be different"),
        ({"first_port": 65535}, "Ports must be different"),
    ],
)
def test_what_cannot_be_served_is_refused(settings, message):
    with pytest.raises(StudyError, match=message):
        plan(**settings)


def test_only_a_database_in_the_folder_is_written_there():
    assert "ReadWritePaths=/srv/study/STUDY" in filled_in(plan())["magic-app@.service"]
    elsewhere = filled_in(plan(database="postgresql:///study"))["magic-app@.service"]
    assert "ReadOnlyPaths=/srv/study/STUDY" in elsewhere


def test_all_studies_are_served_watched_and_copied(tmp_path):
    folder = tmp_path / "deployed"
    more = ["--more", "/srv/TWO", "--more", "/srv/THREE"]
    assert cli.main(["deploy", str(folder), *DEPLOY, *more]) == 0
    text = {path.name: path.read_text() for path in folder.iterdir()}
    all_of_them = "/srv/study/STUDY /srv/TWO /srv/THREE"
    assert f'MAGIC_STUDY="{all_of_them}"\n' in text["magic-app.env"]
    for name, command in (("@", "read"), ("-monitor", "monitor")):
        unit = text[f"magic-app{name}.service"]
        # Without braces systemd makes a word of each.
        assert f"magic-app {command} $MAGIC_STUDY " in unit
        assert f"ReadOnlyPaths={all_of_them}\n" in unit
    for script in ("backup", "restore"):
        assert f"studies='{all_of_them}'\n" in text[f"magic-app-{script}"]
    alone = filled_in(plan(database="postgresql:///study", processes=3))
    assert text["magic-app.conf"] == alone["magic-app.conf"]


def test_the_policy_allows_the_inline_script_that_is_there_and_no_other():
    # sha256 of "alert(1)", as browsers print it when they refuse it.
    known = "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"
    policy = security_policy("a.example.org", "<p></p><script>alert(1)</script>")

    assert f"script-src 'self' blob: {known};" in policy
    assert "unsafe-eval" not in policy
    assert policy.startswith("default-src 'none'; ")


@pytest.mark.slow
def test_systemd_takes_the_units_and_finds_them_well_shut(tmp_path):
    program = tmp_path / "magic-app"
    program.symlink_to(sys.executable)
    content = filled_in(plan(program=str(program), user="daemon"))
    for name in NAMES:
        (tmp_path / name).write_text(content[name])
    shutil.copy(tmp_path / "magic-app@.service", tmp_path / "magic-app@8501.service")
    units = ["magic-app@8501.service", "magic-app-monitor.service"]
    for unit in units:
        checked = analyse("verify", "--man=no", str(tmp_path / unit))
        assert [line for line in checked.splitlines() if "magic-app" in line] == []
    levels = [
        float(re.search(r"exposure level.*?: ([\d.]+)", shut)[1])
        for shut in (
            analyse("security", "--offline=true", str(tmp_path / u)) for u in units
        )
    ]
    assert max(levels) < 2.5  # of 10, which is wide open


def analyse(*arguments):
    """What systemd-analyze says."""
    done = subprocess.run(
        [find_program("systemd-analyze", "systemd"), "--no-pager", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr
