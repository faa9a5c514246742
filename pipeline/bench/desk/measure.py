"""Serves a filled store as `zuofeng serve` does and times what people who work in it wait for."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import statistics
import subprocess  # nosec B404
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.bench.desk.drive import PAGES, Crew, drive
from pipeline.errors import UnfinishedError
from pipeline.settings import Settings, load_settings
from pipeline.taxonomy import load_taxonomy

__all__ = ["Line", "furnish", "lines_of", "measure_desk", "served", "sessions_of"]

#: Seconds that one person works before anything is timed.
WARM = 10.0
_WORD = re.compile(r"[\u4e00-\u9fff]{4,}")


@dataclass(frozen=True, slots=True)
class Line:
    """One page: how often it was asked for, and how long people waited, in seconds."""

    page: str
    requests: int
    median: float
    p95: float
    longest: float


def furnish(corpora: Path, home: Path, store: str) -> Settings:
    """Make a home of its own below ``home``, so that no secret and no account of the real one is used."""
    (home / "corpora").mkdir(parents=True)
    for name in ("taxonomy.toml", "dictionary.txt", "concepts.toml"):
        if (corpora / name).exists():
            shutil.copy(corpora / name, home / "corpora")
    return load_settings(home, store=store or None, desk={"second_percent": 0})


def measure_desk(
    settings: Settings,
    texts: Sequence[str],
    *,
    documents: int,
    reviews: int,
    users: int,
    seconds: float,
    think: float,
    told: Callable[[str], None] = lambda step: None,
) -> Crew:
    """Fill the store of ``settings`` unless it is filled, and let ``users`` work at it for so long."""
    from pipeline.desk.configure import open_desk

    open_desk(settings)
    from pipeline.bench.desk.fill import fill
    from pipeline.desk.cases import refresh_if_new
    from pipeline.desk.facets import facets
    from pipeline.desk.models import Document

    taxonomy = load_taxonomy(settings.taxonomy_file)
    if not Document.objects.exists():
        fill(texts, taxonomy.columns, documents=documents, reviews=reviews, told=told)
    sessions = sessions_of(users)
    rng = random.Random(1)  # noqa: S311  made up, not secret
    values = facets()
    filters = [f"{name}={rng.choice(values[name])}" for name in ("unit", "district", "channel") for _ in range(8)]
    filters += [f"label={label}" for _, label in taxonomy.columns]
    filters += ["order=uncertainty", "order=newest", "state=all", "state=done&order=newest", "whose=free"]
    told("核对队列")
    refresh_if_new()
    with served(settings) as address:
        told("热身")
        # What is only slow the first time after a start: templates, pictures.
        drive(address, sessions[:1], words=["办理"], filters=filters, seconds=WARM, think=0)
        told(f"{users} 人在 {address} 上办件")
        return drive(address, sessions, words=_words(rng, texts), filters=filters, seconds=seconds, think=think)


def lines_of(crew: Crew) -> list[Line]:
    """Sum the visits up by page; what was answered with an error does not count as quick."""
    found = []
    for page in PAGES:
        times = sorted(v.seconds for v in crew.visits if v.page == page and v.status < 400)
        if times:
            p95 = times[min(len(times) - 1, int(0.95 * len(times)))]
            found.append(Line(page, len(times), statistics.median(times), p95, times[-1]))
    return found


def sessions_of(users: int) -> list[tuple[str, str]]:
    """Sign ``users`` made-up reviewers in without a password; return accounts with their sessions' numbers."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from pipeline.bench.desk.fill import people

    found = []
    for user in people(users):
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "pipeline.desk.login.PasswordBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        found.append((user.username, str(session.session_key)))
    return found


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """Run `zuofeng serve` on a free port of this machine; yields its address."""
    command = [sys.executable, "-m", "pipeline.cli", "serve", "--port", "0", "--home", str(settings.home)]
    environment = {**os.environ, "ZUOFENG_STORE": settings.store_url, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603  # nosec B603
        try:
            yield _address(process)
        finally:
            process.send_signal(signal.SIGTERM)


def _address(process: Any) -> str:
    for line in process.stdout:
        if found := re.search(r"http://[0-9.:]+", line):
            return found[0]
    raise UnfinishedError("ZF-BENCH-SERVE", "网页服务没有起来", "单独运行 zuofeng serve 看它说什么。")


def _words(rng: random.Random, texts: Sequence[str]) -> list[str]:
    """Words that people may look for: two to four characters out of texts, frequent and rare ones."""
    runs = [run for t in rng.sample(list(texts), min(len(texts), 300)) for run in _WORD.findall(t)]
    words = []
    for run in rng.sample(runs, min(len(runs), 200)):
        at, size = rng.randrange(len(run) - 3), rng.randint(2, 4)
        words.append(run[at : at + size])
    return words
