"""Loaded by a worker of the cluster that is to die: SIGKILL in the middle of its second lot."""

import itertools
import os
import signal

from pipeline.batch.worker import Worker

_lots = itertools.count(1)
_score = Worker.score


def score(self, documents):
    if next(_lots) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return _score(self, documents)


Worker.score = score
