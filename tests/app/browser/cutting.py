"""A line between browser and server that can be cut, or fall silent, for real."""

import contextlib
import select
import socket
import threading


class Line:
    """Forwards TCP connections to a port.

    Attributes:
        url: Where the browser finds the server.
    """

    def __init__(self, port):
        self.port, self.pairs = port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.whole, self.stopped = threading.Event(), False
        self.flowing = threading.Event()
        self.whole.set()
        self.flowing.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Drop all connections and let none through."""
        self.whole.clear()
        for pair in self.pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self.pairs.clear()

    def mend(self):
        self.whole.set()

    def fall_silent(self):
        """Keep the connections open and forward nothing."""
        self.flowing.clear()

    def speak(self):
        self.flowing.set()

    def close(self):
        self.stopped = True
        self.cut()
        self.flowing.set()
        self.listener.close()

    def _accept(self):
        while not self.stopped:
            try:
                browser, _ = self.listener.accept()
            except OSError:
                return
            if not self.whole.is_set():
                browser.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                browser.close()
                continue
            self.pairs.append((browser, server))
            threading.Thread(
                target=self._forward, args=(browser, server), daemon=True
            ).start()

    def _forward(self, browser, server):
        other = {browser: server, server: browser}
        try:
            while True:
                ready, _, _ = select.select([browser, server], [], [], 5)
                self.flowing.wait()
                for end in ready:
                    content = end.recv(65536)
                    if not content:
                        return
                    other[end].sendall(content)
        except (OSError, ValueError):
            return
        finally:
            browser.close()
            server.close()
