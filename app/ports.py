"""Ports of this machine."""

import socket

from reader_study.errors import StudyError


def require_free(port: int) -> None:
    """Refuse a port of the loopback that another program has.

    Raises:
        StudyError: If so.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            msg = f"Port {port} must be free, got {error.strerror}"
            raise StudyError(msg) from error
