import pytest

from app.times import clock_time, date_and_time

TIME = "2026-03-01T23:30:05.000000Z"


def test_readers_see_their_own_time():
    assert clock_time(TIME, "Europe/Berlin") == "00:30:05 CET"
    assert date_and_time(TIME, "Europe/Berlin") == "2 March 2026, 00:30 CET"


@pytest.mark.parametrize("zone", [None, "", "Nowhere/Town", "../etc/passwd"])
def test_a_zone_that_is_none_gives_utc(zone):
    assert clock_time(TIME, zone) == "23:30:05 UTC"
