"""What a worker's process builds, in a module that it can import."""

import threading


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
