"""What a worker's process builds, in a module that it can import."""

import threading


class Echo:
    """Says what it was asked."""

    def score(self, documents):
        return list(documents)


def never():
    threading.Event().wait()


def broken():
    raise ValueError("no such model")
