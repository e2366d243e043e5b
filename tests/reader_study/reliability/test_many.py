import threading

import pytest

from reader_study.reading.reading_session import ReadingSession
from reader_study.store.readings import find_responses
from reader_study.store.transaction import Head
from reader_study.store.verifying import verify

GOOD = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}


def test_many_threads_submit_the_same_reading(study, store, open_study_now, clock):
    session = ReadingSession(study, store, "anna", clock=clock)
    token = session.next_reading().token
    receipts = []

    def submit():
        receipts.append(session.submit(token, GOOD, {}))

    threads = [threading.Thread(target=submit) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(receipts) == 12
    assert len(set(receipts)) == 1
    with store.reading() as connection:
        assert len(find_responses(connection)) == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_fifty_processes_submit_the_same_and_different_readings(
    start_worker, store, study
):
    """25 processes for each of two readers race through the same trial."""
    workers = [start_worker(("anna", "ben")[n % 2], "all") for n in range(50)]
    outputs = [worker.communicate(timeout=250) for worker in workers]

    assert [worker.returncode for worker in workers] == [0] * 50, outputs
    receipts = [
        line.split()
        for out, _ in outputs
        for line in out.splitlines()
        if not line.startswith("refused")
    ]
    anchors = {Head(int(n), sha256) for _, n, sha256 in receipts}
    with store.reading() as connection:
        responses = find_responses(connection)
        assert verify(connection, list(anchors)).faults == ()
    assert len(responses) == len(anchors) == 8
    assert {token for token, *_ in receipts} == {r.token for r in responses}
