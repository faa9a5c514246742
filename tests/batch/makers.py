"""What a worker's process builds, in a module that it can import."""

import os
import threading
from functools import partial

from pipeline.batch.worker import Bounds, Worker
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


def never():
    threading.Event().wait()


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
