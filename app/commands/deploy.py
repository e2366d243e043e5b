"""`magic-app deploy`: write the files of a deployment into a folder."""

import shutil
import tempfile
from pathlib import Path

from app.deployment.files import filled_in
from app.deployment.plan import Deployment
from reader_study.errors import StudyError


def write_deployment(folder: Path, deployment: Deployment) -> str:
    """Write all files, or none; nothing outside the folder is touched.

    Args:
        folder: New.
        deployment: What to write.

    Returns:
        What was written.

    Raises:
        StudyError: If the folder is there already or cannot be made.
    """
    if folder.exists():
        msg = f"{folder} must be a new folder, got one that is there"
        raise StudyError(msg)
    content = filled_in(deployment)
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for name, text in content.items():
                (draft / name).write_text(text, encoding="utf-8")
            draft.chmod(0o755)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        msg = f"{folder} cannot be written: {error.strerror}"
        raise StudyError(msg) from error
    ports = ", ".join(str(port) for port in deployment.process_ports)
    lines = [f"{folder}: {len(content)} files for https://{deployment.authority}"]
    lines += [f"Processes on ports {ports}; the monitor on {deployment.monitor_port}."]
    return "\n".join([*lines, "Each file says on top where it goes."])
