"""Commands in processes of their own, forked from one that has imported and read what they would: that takes each
some seconds. Whatever starts beside them, as what scores in a night, starts from nothing."""

import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

READY = b"ready"


class Forks:
    """A process that has scored with a model, from which commands are forked one after the other."""

    def __init__(self, model, corpora):
        self._line, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            server = [sys.executable, __file__, str(there.fileno()), str(model), str(corpora)]
            self._process = subprocess.Popen(server, pass_fds=[there.fileno()], start_new_session=True)
        if self._line.recv(16) != READY:
            raise RuntimeError("nothing to fork from")

    def run(self, arguments, *, env, cwd, input="", timeout=120):  # noqa: A002  as subprocess calls it
        """Run ``zuofeng`` as `subprocess.run` does, its input a pipe."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            reader, writer = os.pipe()
            order = json.dumps([arguments, env, str(cwd)]).encode()
            socket.send_fds(self._line, [order], [reader, out.fileno(), err.fileno()])
            os.close(reader)
            # Who does not read what there is to read has ended.
            with contextlib.suppress(BrokenPipeError), os.fdopen(writer, "w", encoding="utf-8") as pipe:
                pipe.write(input)
            self._line.settimeout(timeout)
            try:
                code = os.waitstatus_to_exitcode(int(self._line.recv(16)))
            except TimeoutError:
                os.killpg(self._process.pid, signal.SIGKILL)
                raise
            return subprocess.CompletedProcess(arguments, code, *(_text(file) for file in (out, err)))

    def close(self):
        self._line.close()
        self._process.wait(30)


def _text(file):
    file.seek(0)
    return file.read().decode()


def _next_order(line):
    """Return the order of a fork, in the fork; None in the first process when there are no more."""
    while True:
        order, files, _flags, _address = socket.recv_fds(line, 2**20, 3)
        if not order:
            return None
        if not (pid := os.fork()):
            for number, file in enumerate(files):
                os.dup2(file, number)
        for file in files:
            os.close(file)
        if not pid:
            return json.loads(order)
        line.send(str(os.waitpid(pid, 0)[1]).encode())


def _warm(model, corpora):
    """Import what commands import and have done what they do with any model of this dictionary and lexicon."""
    import altair  # noqa: F401
    import numpy as np
    import pandas  # noqa: F401
    import sklearn.linear_model
    import sklearn.multiclass  # noqa: F401

    import pipeline.analyst.diagnosis
    import pipeline.batch.nightly
    import pipeline.cli.adapt
    import pipeline.corpus.situations
    import pipeline.model.local
    import pipeline.model.train
    import pipeline.reports.comparison
    import pipeline.reports.evaluation  # noqa: F401
    from pipeline.documents import Document
    from pipeline.model.bundle import load_bundle
    from pipeline.model.descent import descend
    from pipeline.model.score import Scorer
    from pipeline.text.concepts import load_lexicon
    from pipeline.text.segment import load_dictionary

    load_lexicon(corpora / "concepts.toml")
    scorer = Scorer(load_bundle(model), load_dictionary(corpora / "dictionary.txt"), little=0)
    texts = ["多次反映，石沉大海没人管。"]
    scorer.score([Document("", *texts)])
    descend(scorer.look(texts).x, np.ones((1, 1), np.int8), np.ones((1, 1)))
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    from pipeline.cli import main

    _warm(*map(Path, sys.argv[2:]))
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        connection.send(READY)
        ordered = _next_order(connection)
    if ordered:
        arguments, environment, folder = ordered
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv = ["zuofeng", *arguments]
        main()
