"""What tests take from npm: versions and hashes are those of npm/package-lock.json."""

import fcntl
import hashlib
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.programs import find_program, leave_out

HERE = Path(__file__).parent
LISTS = [HERE / "npm" / name for name in ("package.json", "package-lock.json")]


@cache
def installed():
    """Where the packages lie; the test is skipped where npm cannot fetch them.

    `npm ci` checks the hash of each. In CI they must be there.
    """
    version = hashlib.sha256(b"".join(path.read_bytes() for path in LISTS)).hexdigest()
    folder = HERE.parents[1] / "build" / "npm" / version[:12]
    folder.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be at it
        done = (folder / "complete").exists()
        problem = "" if done else _install(folder)
        if problem:
            leave_out(f"npm cannot install what the test needs: {problem}")
    return folder / "node_modules"


def _install(folder):
    npm = find_program("npm", "npm")
    for path in LISTS:
        shutil.copy(path, folder)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
            timeout=400,
        )
    except subprocess.TimeoutExpired:
        return "the registry did not answer"
    if done.returncode:
        return done.stderr.strip()[-500:] or f"npm ended with {done.returncode}"
    (folder / "complete").touch()
    return ""
