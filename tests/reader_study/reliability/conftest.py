import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = Path(__file__).with_name("worker.py")


@pytest.fixture
def start_worker(open_study_now, url, tmp_path):
    """Start another process that reads in the same study."""
    study_file = tmp_path / "study.pickle"
    study_file.write_bytes(pickle.dumps(open_study_now))

    def start(reader, job, *rest):
        return subprocess.Popen(
            [sys.executable, WORKER, study_file, url, reader, job, *map(str, rest)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    return start
