"""A door in front of PostgreSQL that shuts after so many bytes."""

from __future__ import annotations

import random
import socket
import threading
from contextlib import suppress
from pathlib import Path


class Proxy:
    """Forwards connections on a loopback port to a server's socket; cuts one when its share of bytes is used up."""

    def __init__(self, target: Path, dice: random.Random, cuts: int) -> None:
        self._target = str(target)
        self._dice = dice
        self._left = cuts
        self.cut = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for end in self._ends:
            _shut(end)
        for thread in self._threads:
            thread.join()
        for end in self._ends:
            end.close()

    def _serve(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            self._ends += client, server
            # Which way and after how many bytes: requests and answers get lost alike, also the answer to a COMMIT.
            shares = [self._dice.randint(5_000, 40_000), 1 << 40]
            if not self._left:
                shares = [1 << 40] * 2
            self._dice.shuffle(shares)
            for source, sink, share in ((client, server, shares[0]), (server, client, shares[1])):
                self._threads.append(threading.Thread(target=self._pump, args=(source, sink, share), daemon=True))
                self._threads[-1].start()

    def _pump(self, source: socket.socket, sink: socket.socket, share: int) -> None:
        try:
            while data := source.recv(16_384):
                share -= len(data)
                if share < 0:
                    self.cut += 1
                    self._left -= self._left > 0
                    break
                sink.sendall(data)
        except OSError:
            pass  # the other direction was shut
        _shut(source)
        _shut(sink)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
