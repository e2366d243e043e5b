import signal

import pytest

from reader_study.store.readings import find_responses
from reader_study.store.verifying import verify


def stored_by(store, reader):
    with store.reading() as connection:
        assert verify(connection).faults == ()
        return len(find_responses(connection, reader))


@pytest.mark.slow
def test_killed_at_every_step_of_submit(start_worker, store):
    """kill -9 at each step leaves the whole reading or none of it, and verifies."""
    counting = start_worker("ben", "count")
    steps, errors = counting.communicate(timeout=60)
    assert counting.returncode == 0, errors
    steps = steps.splitlines()
    assert any("INSERT INTO responses" in step for step in steps)
    assert steps[-2:] == ["before commit", "after commit"]
    before, kept = 0, []
    for number in range(len(steps) + 1):
        worker = start_worker("anna", "die", number)
        acknowledged, errors = worker.communicate(timeout=60)
        assert worker.returncode == -signal.SIGKILL, errors
        after = stored_by(store, "anna")
        kept.append(after - before)
        assert kept[-1] >= bool(acknowledged)
        before = after
    # Nothing before COMMIT, all after it; the last was killed after its receipt.
    assert kept == [0] * (len(steps) - 1) + [1, 1]


@pytest.mark.slow
def test_what_was_acknowledged_before_a_kill_is_there(start_worker, store):
    worker = start_worker("anna", "all")
    lines = [worker.stdout.readline() for _ in range(2)]
    worker.kill()
    rest, _ = worker.communicate(timeout=60)

    acknowledged = {line.split()[0] for line in [*lines, *rest.splitlines()] if line}
    with store.reading() as connection:
        stored = {response.token for response in find_responses(connection, "anna")}
        assert verify(connection).faults == ()
    assert acknowledged <= stored
