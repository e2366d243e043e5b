from dataclasses import replace
from datetime import timedelta

import pytest

from reader_study.running import pins
from reader_study.running.access import (
    READER,
    AccessError,
    issue_code,
    resume,
    revoke_reader_codes,
    sign_in,
    sign_out,
)
from reader_study.running.registry import exclude_reader
from reader_study.store.verifying import verify

PIN = "407193"
IDLE = 12.0


@pytest.fixture
def asleep(open_study_now, store, clock):
    """Anna has set a PIN and has been away for too long; gives her browser's secret."""

    def asleep():
        code = issue_code(store, "anna", by="eve", clock=clock)
        secret = sign_in(store, "anna", code, clock=clock).secret
        pins.set_pin(store, secret, f" {PIN[:3]} {PIN[3:]}", clock=clock)
        assert pins.reader_asleep(store, secret, clock=clock) is None
        expire(store, secret, clock)
        return secret

    return asleep


def expire(store, secret, clock):
    clock.advance(days=IDLE / 24, seconds=60)
    with pytest.raises(AccessError):
        resume(store, secret, clock=clock)


def wake(store, secret, clock, pin=PIN):
    return pins.wake(store, secret, pin, clock=clock)


def test_a_pin_wakes_the_session_of_the_same_browser_again_and_again(
    asleep, store, clock
):
    secret = asleep()
    for _ in range(2):
        assert pins.reader_asleep(store, secret, clock=clock) == "anna"
        woken = wake(store, secret, clock)
        assert resume(store, woken.secret, clock=clock) == woken.name == "anna"
        assert woken.secret != secret
        with pytest.raises(AccessError, match="new code"):  # the old secret is nothing
            wake(store, secret, clock)
        secret = woken.secret
        expire(store, secret, clock)
    with store.reading() as connection:
        assert verify(connection).faults == ()
        entries = connection.exec_driver_sql("SELECT entry FROM audit_log").scalars()
        assert not any(PIN in entry for entry in entries)
        kept = connection.exec_driver_sql("SELECT * FROM session_pins").all()
    assert PIN not in str(kept)


def test_after_a_few_wrong_pins_the_code_is_needed(asleep, store, clock):
    secret = asleep()
    for left in (4, 3, 2, 1):
        with pytest.raises(AccessError, match=f"wrong; {left} tries left"):
            wake(store, secret, clock, "111222")
    with pytest.raises(AccessError, match="sign in with a new code"):
        wake(store, secret, clock, "111222")
    assert pins.reader_asleep(store, secret, clock=clock) is None
    with pytest.raises(AccessError, match="sign in with a new code"):
        wake(store, secret, clock)


def test_a_right_pin_gives_all_tries_back(asleep, store, clock):
    secret = asleep()
    with pytest.raises(AccessError):
        wake(store, secret, clock, "")
    secret = wake(store, secret, clock).secret
    expire(store, secret, clock)
    with pytest.raises(AccessError, match="4 tries left"):
        wake(store, secret, clock, PIN + "0")


def test_a_pin_alone_is_nothing(asleep, store, clock):
    asleep()
    for secret in ("", "another browser"):
        assert pins.reader_asleep(store, secret, clock=clock) is None
        with pytest.raises(AccessError, match="new code"):
            wake(store, secret, clock)


@pytest.mark.parametrize("how", ["signed out", "revoked", "excluded", "too late"])
def test_what_was_ended_otherwise_is_not_woken(asleep, store, clock, how):
    secret = asleep()
    if how == "signed out":
        sign_out(store, secret, clock=clock)
    elif how == "revoked":
        revoke_reader_codes(store, "anna", by="eve", clock=clock)
    elif how == "excluded":
        exclude_reader(store, "anna", reason="ill", by="eve", clock=clock)
    else:
        clock.advance(days=pins.PIN_DAYS)
    assert pins.reader_asleep(store, secret, clock=clock) is None
    with pytest.raises(AccessError, match="sign in with a new code"):
        wake(store, secret, clock)


def test_a_running_session_is_not_woken_and_an_ended_one_takes_no_pin(
    open_study_now, store, clock
):
    code = issue_code(store, "anna", by="eve", clock=clock)
    secret = sign_in(store, "anna", code, clock=clock).secret
    pins.set_pin(store, secret, PIN, clock=clock)
    with pytest.raises(AccessError):
        wake(store, secret, clock)
    long = replace(READER, idle=timedelta(days=3))
    clock.advance(days=1)
    assert resume(store, secret, clock=clock, role=long) == "anna"
    sign_out(store, secret, clock=clock)
    with pytest.raises(AccessError, match="has ended"):
        pins.set_pin(store, secret, PIN, clock=clock)


@pytest.mark.parametrize(
    "pin", ["12345", "1234567890123", "abcdef", "111111", "123456", "987654", "٤٠٧١٩٣"]
)
def test_pins_that_are_none_or_tried_first_are_refused(pin):
    with pytest.raises(AccessError, match="A PIN must"):
        pins.check_pin(pin)
