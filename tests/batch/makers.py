"""What a worker's process builds, in a module that it can import."""

import os
import signal
import threading
import time
from functools import partial

from pipeline.batch.child import Bounds
from pipeline.batch.worker import Worker
from pipeline.documents import Document


class Echo:
    """Says what it was asked."""

    def score(self, documents):
        return list(documents)


class Used:
    """Says how many texts it had been asked for."""

    def __init__(self):
        self.asked = 0

    def score(self, documents):
        before, self.asked = self.asked, self.asked + len(documents)
        return [before] * len(documents)


class Compiling:
    """Says whether the time of a document ran while a function was compiled, and afterwards."""

    def score(self, documents):
        import numba
        from numba.core import event

        from pipeline.text import compiled  # noqa: F401  tells of it

        class Noting(event.Listener):
            def on_start(self, event):
                self.ran = runs()

            def on_end(self, event):
                pass

        def runs():
            return signal.getitimer(signal.ITIMER_REAL)[0] > 0

        noting = Noting()
        event.register("numba:compile", noting)
        numba.njit(lambda: 1)()
        return [Document(d.id, f"{noting.ran}，{runs()}") for d in documents]


class Fragile:
    """Fails at one text and dies of another."""

    def score(self, documents):
        for d in documents:
            if d.text == "坏":
                raise ValueError(d.text)
            if d.text == "死":
                os._exit(3)
        return list(documents)


class FragileInTwo(Fragile):
    """The same, in the second of two steps."""

    def begin(self, documents):
        return partial(self._finish, documents)

    def _finish(self, documents):
        if any(d.text == "慢" for d in documents):
            threading.Event().wait()
        return super().score(documents)


class Overlapping:
    """Says how many lots were begun when the answer is written, which waits for the next lot as long as one comes."""

    def __init__(self):
        self._begun = 0
        self._more = threading.Condition()

    def score(self, documents):
        return self.begin(documents)()

    def begin(self, documents):
        with self._more:
            self._begun += 1
            self._more.notify_all()
        return partial(self._finish, documents, self._begun)

    def _finish(self, documents, number):
        with self._more:
            self._more.wait_for(lambda: self._begun > min(number, 2), timeout=30)
        return [Document(d.id, str(self._begun)) for d in documents]


_REMEMBERED = []


def remember():
    _REMEMBERED.append("remembered")


class Remembering:
    """Says whether its process remembers."""

    def score(self, documents):
        return [Document(d.id, "remembered" if _REMEMBERED else "forgotten") for d in documents]


def never():
    threading.Event().wait()


def wait_for(path, then):
    while not path.exists():
        time.sleep(0.01)
    return then()


def broken():
    raise ValueError("no such model")


class Deadly:
    """Ends the process that reads it."""

    def __reduce__(self):
        return os._exit, (1,)


def ask_one_that_dies():
    """Score with a process that dies in the middle of a model too large to be in the pipe as a whole."""
    with Worker(partial(Echo, Deadly(), bytes(1 << 22)), Bounds()) as worker:
        worker.score([Document("1", "一")])
