import re

import pytest

from reader_study import api, cli
from reader_study.clock import SystemClock
from reader_study.running.access import sign_in
from reader_study.running.registry import Profile, add_reader


@pytest.fixture
def run(monkeypatch, capsys, study, store):
    """Run a command on a study that is open already; give status and words."""

    def open_study(folder, *, database):
        assert (folder, database) == (study.folder, None)
        opened = api.RunningStudy(study)
        opened.store = store
        opened.close = lambda: None
        return opened

    monkeypatch.setattr(api, "open_study", open_study)

    def run(command, *arguments, group="coordinator"):
        words = [group, command, str(study.folder), *arguments]
        status = cli.main(words)
        out, err = capsys.readouterr()
        return status, out + err

    return run


def test_coordinators_are_added_listed_and_revoked(run):
    assert run("list") == (0, "No coordinators yet\n")
    status, text = run("add", "eve", "--by", "operator")
    assert status == 0, text
    assert re.search(r"Passphrase for eve: (\w{4}-){3}\w{4}", text)
    assert "shown only here" in text
    assert re.search(r"eve +active +since 20\d\d-\d\d-\d\d", run("list")[1])
    status, text = run("revoke", "eve", "--by", "operator")
    assert (status, "0 sessions have ended" in text) == (0, True)
    assert re.search(r"eve +revoked", run("list")[1])


def test_what_the_user_can_mend_is_one_sentence(run):
    for command, name in (("add", "a b"), ("revoke", "max")):
        status, text = run(command, name, "--by", "operator")
        assert (status, text.count("\n")) == (2, 1)
        assert text.startswith("magic-study: ")
        assert repr(name) in text


def test_slips_hold_a_code_for_each_reader_once(run, study, store, tmp_path):
    for name in ("anna", "ben"):
        profile = Profile(name, "neuroradiologist", 3)
        add_reader(study, store, profile, by="eve", clock=SystemClock())
    out = tmp_path / "slips.html"
    given = ("--by", "eve", "--out", str(out), "--address", "https://r.example.org")
    status, text = run("slips", *given, group="reader")
    assert (status, "has 2 slips: anna, ben" in text) == (0, True), text
    assert out.stat().st_mode & 0o077 == 0
    page = out.read_text()
    codes = re.findall(r"class='code'>([\w-]+)<", page)
    assert page.count("https://r.example.org") == 2
    assert not any(code in text for code in codes)
    for name, code in zip(("anna", "ben"), codes, strict=True):
        assert sign_in(store, name, code, clock=SystemClock()).name == name

    other = tmp_path / "other.html"
    status, text = run("slips", *given, group="reader")
    assert (status, "must be a new file: File exists" in text) == (2, True)
    again = ("anna", "--by", "eve", "--out", str(other))
    assert run("slips", *again, group="reader")[0] == 0
    assert "Code for <strong>anna" in other.read_text()
    last = ("--by", "eve", "--out", str(tmp_path / "last.html"))
    assert run("slips", *last, group="reader")[0] == 0  # ben's code was used
    rest = ("--by", "eve", "--out", str(tmp_path / "rest.html"))
    status, text = run("slips", *rest, group="reader")
    assert (status, "without an unused code, got none" in text) == (2, True)
    assert not (tmp_path / "rest.html").exists()
