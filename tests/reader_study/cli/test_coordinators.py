import re

import pytest

from reader_study import api, cli


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

    def run(command, *arguments):
        words = ["coordinator", command, str(study.folder), *arguments]
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
