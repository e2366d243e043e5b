import pytest

from reader_study.errors import StudyError
from reader_study.running import access
from reader_study.running.access import (
    COORDINATOR,
    IDLE_MINUTES,
    AccessError,
    add_coordinator,
    issue_code,
    revoke_coordinator,
)
from reader_study.store.access import (
    Attempts,
    Sessions,
    all_coordinators,
    replace_attempts,
)
from reader_study.store.verifying import verify


def sign_in(store, name, passphrase, *, clock):
    signed_in = access.sign_in(store, name, passphrase, clock=clock, role=COORDINATOR)
    return signed_in.secret


def resume(store, secret, *, clock, alive=True):
    return access.resume(store, secret, clock=clock, role=COORDINATOR, alive=alive)


@pytest.fixture
def passphrase(store, clock):
    return add_coordinator(store, "eve", by="operator", clock=clock)


def entries(store):
    with store.reading() as connection:
        found = connection.exec_driver_sql("SELECT entry FROM audit_log ORDER BY n")
        return list(found.scalars())


def test_a_passphrase_lets_in_again_and_again(store, passphrase, clock):
    typed = passphrase.lower().replace("-", " ")
    for _ in range(2):
        secret = sign_in(store, "eve", typed, clock=clock)
        assert resume(store, secret, clock=clock) == "eve"


def test_capitals_do_not_matter_and_the_account_keeps_its_name(
    store, passphrase, clock
):
    secret = sign_in(store, "EVE", passphrase, clock=clock)
    assert resume(store, secret, clock=clock) == "eve"


def test_neither_passphrase_nor_secret_is_stored(store, passphrase, clock):
    secret = sign_in(store, "eve", passphrase, clock=clock)
    with store.reading() as connection:
        tables = ("coordinators", "coordinator_sessions", "audit_log")
        kept = repr([
            connection.exec_driver_sql(f"SELECT * FROM {name}").all()  # noqa: S608
            for name in tables
        ])  # fmt: skip

    assert passphrase not in kept
    assert passphrase.replace("-", "") not in kept
    assert secret not in kept


def test_everything_is_logged_and_the_log_verifies(store, passphrase, clock):
    with pytest.raises(AccessError):
        sign_in(store, "eve", "wrong", clock=clock)
    secret = sign_in(store, "eve", passphrase, clock=clock)
    access.sign_out(store, secret, clock=clock, role=COORDINATOR)
    access.sign_out(store, secret, clock=clock, role=COORDINATOR)
    revoke_coordinator(store, "eve", by="operator", clock=clock)

    told = [entry.split('"event":"')[1].split('"')[0] for entry in entries(store)]
    assert told == [
        "study.created",
        "coordinator.added",
        "coordinator.session_refused",
        "coordinator.session_started",
        "coordinator.session_ended",
        "coordinator.revoked",
    ]
    with store.reading() as connection:
        assert verify(connection).faults == ()


def test_an_account_opened_behind_the_log_is_found(store, passphrase, clock):
    revoke_coordinator(store, "eve", by="operator", clock=clock)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE coordinators SET revoked_at = ''")
    with store.reading() as connection:
        (fault,) = verify(connection).faults
    assert "coordinators" in fault
    assert "changed since entry" in fault


def test_readers_and_coordinators_do_not_open_each_others_doors(
    open_study_now, store, passphrase, clock
):
    code = issue_code(store, "anna", by="eve", clock=clock)
    with pytest.raises(AccessError, match="do not fit"):
        sign_in(store, "anna", code, clock=clock)
    with pytest.raises(AccessError, match="do not fit"):
        access.sign_in(store, "eve", passphrase, clock=clock)
    readers = access.sign_in(store, "anna", code, clock=clock).secret
    with pytest.raises(AccessError, match="session has ended"):
        resume(store, readers, clock=clock)
    mine = sign_in(store, "eve", passphrase, clock=clock)
    with pytest.raises(AccessError, match="session has ended"):
        access.resume(store, mine, clock=clock)


@pytest.mark.parametrize(
    ("name", "given"),
    [("eve", "AAAA-AAAA-AAAA-AAAA"), ("eve", ""), ("nobody", None), ("a\0", None),
     ("", None), ("eve", "x" * 1_000_000)],
)  # fmt: skip
def test_wrong_names_and_passphrases_are_refused_alike(
    store, passphrase, clock, name, given
):
    with pytest.raises(AccessError, match="Name and passphrase do not fit"):
        sign_in(store, name, passphrase if given is None else given, clock=clock)
    assert '"event":"coordinator.session_refused"' in entries(store)[-1]


def test_too_many_attempts_wait_and_readers_do_not_wait_with_them(
    open_study_now, store, passphrase, clock
):
    for _ in range(5):
        with pytest.raises(AccessError, match="do not fit"):
            sign_in(store, "eve", "wrong", clock=clock)
    with pytest.raises(AccessError, match="try again in 1 s"):
        sign_in(store, "EVE", passphrase, clock=clock)
    code = issue_code(store, "anna", by="eve", clock=clock)
    assert access.sign_in(store, "anna", code, clock=clock).name == "anna"
    clock.advance(seconds=1)
    assert sign_in(store, "eve", passphrase, clock=clock)


def test_all_attempts_together_are_limited(store, passphrase, clock):
    with store.writing(clock) as t:
        replace_attempts(t.connection, "coordinator:", Attempts(49))
    with pytest.raises(AccessError, match="do not fit"):
        sign_in(store, "stranger", "wrong", clock=clock)
    with pytest.raises(AccessError, match="Too many attempts"):
        sign_in(store, "eve", passphrase, clock=clock)


def test_a_session_ends_when_idle(store, passphrase, clock):
    secret = sign_in(store, "eve", passphrase, clock=clock)
    for _ in range(3):
        clock.advance(seconds=(IDLE_MINUTES - 1) * 60)
        assert resume(store, secret, clock=clock) == "eve"
    clock.advance(seconds=IDLE_MINUTES * 60)
    for _ in range(2):
        with pytest.raises(AccessError, match="session has ended"):
            resume(store, secret, clock=clock)
    assert '"event":"coordinator.session_expired"' in entries(store)[-1]


def test_a_page_that_refreshes_itself_keeps_no_session_alive(store, passphrase, clock):
    secret = sign_in(store, "eve", passphrase, clock=clock)
    for _ in range(6):
        clock.advance(seconds=(IDLE_MINUTES - 0.01) * 10)
        assert resume(store, secret, clock=clock, alive=False) == "eve"
    clock.advance(seconds=IDLE_MINUTES * 60)
    with pytest.raises(AccessError, match="session has ended"):
        resume(store, secret, clock=clock, alive=False)


def test_revoking_ends_the_sessions_and_the_name_may_be_given_again(
    store, passphrase, clock
):
    secrets = [sign_in(store, "eve", passphrase, clock=clock) for _ in range(2)]
    assert revoke_coordinator(store, "Eve", by="operator", clock=clock) == 2
    for secret in secrets:
        with pytest.raises(AccessError, match="session has ended"):
            resume(store, secret, clock=clock)
    with pytest.raises(AccessError, match="do not fit"):
        sign_in(store, "eve", passphrase, clock=clock)
    anew = add_coordinator(store, "eve", by="operator", clock=clock)
    assert sign_in(store, "eve", anew, clock=clock)
    with store.reading() as connection:
        assert [c.active for c in all_coordinators(connection)] == [False, True]


def test_a_session_that_ends_between_two_looks_is_over(
    store, passphrase, clock, monkeypatch
):
    secret = sign_in(store, "eve", passphrase, clock=clock)
    clock.advance(seconds=120)
    find, looks = Sessions.find, []

    def look(sessions, connection, session_id):
        looks.append(session_id)
        return find(sessions, connection, session_id) if len(looks) == 1 else None

    monkeypatch.setattr(Sessions, "find", look)
    with pytest.raises(AccessError, match="session has ended"):
        resume(store, secret, clock=clock)


@pytest.mark.parametrize("name", ["", "a b", "<b>", "x" * 41])
def test_names_that_are_none(store, clock, name):
    with pytest.raises(StudyError, match="must be letters, digits"):
        add_coordinator(store, name, by="operator", clock=clock)


def test_a_name_is_given_once_at_a_time(store, passphrase, clock):
    with pytest.raises(StudyError, match="There is a coordinator EVE already"):
        add_coordinator(store, "EVE", by="operator", clock=clock)
    with pytest.raises(StudyError, match="'max' must be an active coordinator"):
        revoke_coordinator(store, "max", by="operator", clock=clock)
    for by in ("", " "):
        with pytest.raises(StudyError, match="must be given"):
            add_coordinator(store, "max", by=by, clock=clock)
