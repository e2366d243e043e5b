import json

import pytest

from reader_study.running.access import AccessError, resume, sign_in_verified
from reader_study.running.registry import exclude_reader


def last_entry(store):
    with store.reading() as connection:
        found = connection.exec_driver_sql("SELECT entry FROM audit_log ORDER BY n")
        return json.loads(found.scalars().all()[-1])


def test_a_reader_whom_the_hospital_recognised_has_a_session(
    open_study_now, store, clock
):
    secret = sign_in_verified(store, "anna", how="oidc", account="1f", clock=clock)
    entry = last_entry(store)

    assert (entry["event"], entry["actor"]) == ("session.started", "anna")
    assert entry["details"]["how"] == "oidc"
    assert entry["details"]["account"] == "1f"
    assert secret not in json.dumps(entry)
    assert resume(store, secret, clock=clock) == "anna"


@pytest.mark.parametrize("name", ["", "nobody", "a\0"])
def test_nobody_else_is_let_in_and_that_is_logged(open_study_now, store, clock, name):
    with pytest.raises(AccessError, match="must belong to an active reader"):
        sign_in_verified(store, name, how="oidc", account="1f", clock=clock)
    entry = last_entry(store)
    assert (entry["event"], entry["actor"]) == ("session.refused", "")
    assert entry["details"] == {"how": "oidc", "account": "1f"}


def test_an_excluded_reader_stays_outside(open_study_now, store, clock):
    exclude_reader(store, "anna", reason="ill", by="Eve", clock=clock)
    with pytest.raises(AccessError):
        sign_in_verified(store, "anna", how="oidc", account="1f", clock=clock)
    assert last_entry(store)["actor"] == "anna"
