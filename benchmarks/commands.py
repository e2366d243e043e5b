"""CPU seconds of whole commands, as a user waits for them.

python -m benchmarks.commands
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

COMMANDS = {
    "magic-analyze --help": ["--help"],
    "magic-analyze reproduce": ["reproduce", "--out", "out"],
    "magic-analyze recover (Q2C)": [
        *("recover", "--rows", "113,4,23", "--columns", "101,9,30"),
        *("--agree", "106", "--kappa-ci", "0.207,0.517"),
    ],
    "magic-analyze power": ["power"],
}


def cpu_seconds(arguments: list[str], folder: str) -> float:
    """Run a command and give the CPU time of its process."""
    program = Path(sys.executable).with_name("magic-analyze")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([program, *arguments], cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Time everything and print one table; each command once, after a warm-up."""
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in COMMANDS.items():
            cpu_seconds(arguments, folder)
            print(f"{name:32} {cpu_seconds(arguments, folder):6.2f} s of CPU time")


if __name__ == "__main__":
    main()
