"""Where readers read, in a study of several hospitals."""

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from reader_study.errors import StudyError
from reader_study.running.registry import Profile, add_reader, replace_reader, set_site
from reader_study.store.readers import all_readers
from reader_study.store.tables import reader_sites
from reader_study.store.verifying import verify


def sites(store):
    with store.reading() as connection:
        assert verify(connection).faults == ()
        return {r.name: r.site for r in all_readers(connection) if r.site}


def test_a_site_is_given_with_the_reader_or_once_later(study, store, clock):
    by = {"by": "cora", "clock": clock}
    north = Profile("dora", "neuroradiologist", 3, site="  Spital Nördlingen ")
    assert add_reader(study, store, north, **by).site == "Spital Nördlingen"
    add_reader(study, store, Profile("emil", "neuroradiologist", 3), **by)
    set_site(store, "emil", "South", **by)
    new = Profile("fritz", "neuroradiologist", 9, site="South")
    replace_reader(store, "emil", new, reason="left", **by)
    assert sites(store) == {
        "dora": "Spital Nördlingen", "emil": "South", "fritz": "South",
    }  # fmt: skip

    for name, site, why in (
        ("dora", "East", "once, got 'Spital Nördlingen'"),
        ("nobody", "East", "no reader 'nobody'"),
        ("fritz", "a\nb", "one line of at most 60"),
    ):
        with pytest.raises(StudyError, match=why):
            set_site(store, name, site, **by)
    with pytest.raises(StudyError, match="one line of at most 60"):
        Profile("gert", "neuroradiologist", 3, site="x" * 61)
    with pytest.raises(DBAPIError, match="append-only"), store.writing(clock) as t:
        t.connection.execute(update(reader_sites).values(site="moved"))
