import hashlib
from datetime import timedelta

import pytest

from reader_study.errors import StudyError
from reader_study.running import access
from reader_study.running.access import (
    AccessError,
    issue_code,
    resume,
    revoke_reader_codes,
    sign_in,
    sign_out,
)
from reader_study.running.registry import Profile, add_reader, exclude_reader
from reader_study.store.access import Attempts, replace_attempts


@pytest.fixture
def code(open_study_now, store, clock):
    return issue_code(store, "anna", by="Eve", clock=clock)


def entries(store):
    with store.reading() as connection:
        found = connection.exec_driver_sql("SELECT entry FROM audit_log ORDER BY n")
        return list(found.scalars())


def test_a_code_lets_in_once(store, code, clock):
    signed_in = sign_in(store, "anna", code.lower().replace("-", " "), clock=clock)

    assert signed_in.name == "anna"
    assert resume(store, signed_in.secret, clock=clock) == "anna"
    with pytest.raises(AccessError, match="was used or has expired"):
        sign_in(store, "anna", code, clock=clock)


def test_neither_code_nor_secret_is_stored(store, code, clock):
    secret = sign_in(store, "anna", code, clock=clock).secret
    with store.reading() as connection:
        tables = ("access_codes", "sessions", "audit_log")
        kept = repr([
            connection.exec_driver_sql(f"SELECT * FROM {name}").all()  # noqa: S608
            for name in tables
        ])  # fmt: skip

    assert code not in kept
    assert code.replace("-", "") not in kept
    assert secret not in kept


@pytest.mark.parametrize(
    ("reader", "given"),
    [("anna", "AAAA-AAAA-AAAA-AAAA"), ("ben", None), ("nobody", None), ("a\0", None),
     ("anna", ""), ("anna", "x" * 1_000_000)],
)  # fmt: skip
def test_wrong_names_and_codes_are_refused_alike(store, code, clock, reader, given):
    with pytest.raises(AccessError, match="Name and code do not fit"):
        sign_in(store, reader, code if given is None else given, clock=clock)
    assert '"event":"session.refused"' in entries(store)[-1]


def test_too_many_attempts_wait_longer_and_longer(store, code, clock):
    for _ in range(5):
        with pytest.raises(AccessError, match="do not fit"):
            sign_in(store, "anna", "wrong", clock=clock)
    with pytest.raises(AccessError, match="try again in 1 s"):
        sign_in(store, "anna", code, clock=clock)
    for seconds in (1, 2, 4):
        clock.advance(seconds=seconds)
        with pytest.raises(AccessError, match="do not fit"):
            sign_in(store, "anna", "wrong", clock=clock)
    with pytest.raises(AccessError, match="try again in 8 s"):
        sign_in(store, "anna", code, clock=clock)
    clock.advance(seconds=8)

    assert sign_in(store, "anna", code, clock=clock).name == "anna"


def test_all_attempts_together_are_limited(store, code, clock):
    with store.writing(clock) as t:
        replace_attempts(t.connection, "", Attempts(48))
    for n in range(2):
        with pytest.raises(AccessError, match="do not fit"):
            sign_in(store, f"stranger-{n}", "wrong", clock=clock)
    with pytest.raises(AccessError, match="Too many attempts"):
        sign_in(store, "anna", code, clock=clock)


def test_a_code_expires(store, code, clock):
    clock.advance(days=14)
    with pytest.raises(AccessError, match="do not fit"):
        sign_in(store, "anna", code, clock=clock)


def test_a_clock_set_back_does_not_revive_a_code(store, code, clock):
    clock.advance(days=15)
    issue_code(store, "ben", by="Eve", clock=clock)
    clock.time -= timedelta(days=15)
    with pytest.raises(AccessError, match="do not fit"):
        sign_in(store, "anna", code, clock=clock)


def test_revoking_ends_codes_and_sessions(store, code, clock):
    secret = sign_in(store, "anna", code, clock=clock).secret
    other = issue_code(store, "anna", by="Eve", clock=clock)

    assert revoke_reader_codes(store, "anna", by="Eve", clock=clock) == 1
    with pytest.raises(AccessError, match="session has ended"):
        resume(store, secret, clock=clock)
    with pytest.raises(AccessError, match="do not fit"):
        sign_in(store, "anna", other, clock=clock)


def test_a_session_ends_when_idle(store, code, clock):
    secret = sign_in(store, "anna", code, clock=clock).secret
    for _ in range(3):
        clock.advance(seconds=11.9 * 3600)
        assert resume(store, secret, clock=clock) == "anna"
    clock.advance(seconds=12.1 * 3600)
    with pytest.raises(AccessError, match="session has ended"):
        resume(store, secret, clock=clock)
    assert '"event":"session.expired"' in entries(store)[-1]


def test_signing_out_ends_a_session(store, code, clock):
    secret = sign_in(store, "anna", code, clock=clock).secret
    sign_out(store, secret, clock=clock)
    sign_out(store, secret, clock=clock)

    with pytest.raises(AccessError, match="session has ended"):
        resume(store, secret, clock=clock)
    with pytest.raises(AccessError, match="session has ended"):
        resume(store, "guess", clock=clock)


def test_an_excluded_reader_is_not_let_in(store, code, clock):
    secret = sign_in(store, "anna", code, clock=clock).secret
    exclude_reader(store, "anna", reason="r", by="Eve", clock=clock)
    with pytest.raises(AccessError, match="session has ended"):
        resume(store, secret, clock=clock)
    with pytest.raises(StudyError, match="must be for an active reader, got 'anna'"):
        issue_code(store, "anna", by="Eve", clock=clock)


@pytest.mark.parametrize("days", [0, -1, 1000, float("nan")])
def test_days_of_a_code(store, clock, days):
    with pytest.raises(StudyError, match="at most 366 days"):
        issue_code(store, "anna", by="Eve", clock=clock, days=days)


@pytest.mark.slow  # quick tests hash at little cost
def test_a_stolen_code_file_costs_an_attacker(monkeypatch):
    asked = {}
    monkeypatch.setattr(hashlib, "scrypt", lambda _, **kw: asked.update(kw) or b"")
    access._hash_code("ABCD", "00")
    assert asked["n"] * asked["r"] * 128 >= 16 * 2**20  # bytes of memory a guess takes


def test_a_name_is_known_whatever_its_capitals_and_letters(study, store, clock):
    add_reader(
        study,
        store,
        Profile("Mu\u0308ller", "neuroradiologist", 3),
        by="E",
        clock=clock,
    )
    for typed in ("müller", "MÜLLER", "mu\u0308ller"):
        code = issue_code(store, "Müller", by="E", clock=clock)
        assert sign_in(store, typed, code, clock=clock).name == "Müller"
    with pytest.raises(StudyError, match="a reader MÜLLER already"):
        add_reader(
            study, store, Profile("MÜLLER", "neuroradiologist", 3), by="E", clock=clock
        )


def test_failures_count_for_a_person_whatever_the_capitals(store, code, clock):
    for name in ("anna", "Anna", "ANNA", "aNNa", "annA"):
        with pytest.raises(AccessError, match="do not fit"):
            sign_in(store, name, "wrong", clock=clock)
    with pytest.raises(AccessError, match="Too many attempts"):
        sign_in(store, "anna", code, clock=clock)
