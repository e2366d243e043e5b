"""One reader's process, which may be killed; run as a script by the tests.

worker.py STUDY.pickle URL READER JOB [NUMBER]
"""

import os
import pickle
import signal
import sys
from pathlib import Path

from sqlalchemy import event

from reader_study.errors import StudyError
from reader_study.reading.reading_session import ReadingSession
from reader_study.running.study_store import open_study_store

GOOD = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}


def watch(engine, reached):
    """Call at every step: before and after each statement, around COMMIT."""

    def listen(target, name, what):
        event.listen(target, name, lambda *_: reached(what))

    def on_statement(name, when):
        @event.listens_for(engine, name)
        def tell(_connection, _cursor, statement, *_):
            reached(f"{when} {statement}")

    listen(engine, "begin", "begin")
    on_statement("before_cursor_execute", "before")
    on_statement("after_cursor_execute", "after")
    listen(engine, "commit", "before commit")
    listen(engine.pool, "checkin", "after commit")


def submit_one(session):
    return session.submit(session.next_reading().token, GOOD, {})


def read_all(session):
    """Read a trial as fast as it goes and print what was acknowledged."""
    while (reading := session.next_reading()) is not None:
        try:
            receipt = session.submit(reading.token, GOOD, {})
        except StudyError as error:
            print("refused", error, flush=True)
            continue
        print(receipt.token, receipt.head.n, receipt.head.sha256, flush=True)


def count_steps(session):
    steps = []
    token = session.next_reading().token
    watch(session.store.engine, steps.append)
    session.submit(token, GOOD, {})
    for step in steps:
        print(" ".join(step.split())[:60])


def die_at(session, number):
    """Submit, and be killed at a step as by a power cut."""
    left = [number]

    def reached(_step):
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    token = session.next_reading().token
    watch(session.store.engine, reached)
    receipt = session.submit(token, GOOD, {})
    print(receipt.token, receipt.head.n, receipt.head.sha256, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def main():
    study_file, url, reader, job, *rest = sys.argv[1:]
    study = pickle.loads(Path(study_file).read_bytes())  # noqa: S301 - our own
    store = open_study_store(study, url)
    session = ReadingSession(study, store, reader)
    if job == "die":
        die_at(session, int(rest[0]))
    {"count": count_steps, "all": read_all, "one": submit_one}[job](session)


if __name__ == "__main__":
    main()
