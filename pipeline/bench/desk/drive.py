"""People at the desk, each with a browser of their own: queue, review, decide, search, look at the dashboard."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    import httpx

__all__ = ["PAGES", "Crew", "Made", "Visit", "drive"]

#: The pages that are timed, in the order they are shown.
PAGES = ("队列", "队列筛选", "查找", "复核页", "相似件", "判定", "取件", "总览")
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_HASH = re.compile(r'name="text_hash" value="([0-9a-f]+)"')
_TICKED = re.compile(r'name="label" value="([^"]+)" checked')
#: Decisions between two looks at queue, search and dashboard.
EACH = 5
#: Seconds after which a page that stays open asks for what stands below it, as desk.js and the template have it.
SETTLE = 0.4


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: seconds until the last byte, and the answer's status."""

    page: str
    seconds: float
    status: int


@dataclass(frozen=True, slots=True)
class Made:
    """A decision that the server said it saved."""

    by: str
    document: int
    labels: tuple[str, ...]


@dataclass
class Crew:
    """What all people did together. ``refused`` decisions were answered 409 with a reason: nothing was saved."""

    visits: list[Visit] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    refused: int = 0
    errors: list[str] = field(default_factory=list)
    #: Set with the first decision.
    at_work: threading.Event = field(default_factory=threading.Event)


def drive(
    address: str,
    sessions: Sequence[tuple[str, str]],
    *,
    words: Sequence[str],
    filters: Sequence[str],
    seconds: float,
    think: float,
    until: threading.Event | None = None,
    crew: Crew | None = None,
) -> Crew:
    """Let the people of ``sessions`` (account, session) work for so long, or until ``until`` is set; they ``think``
    so many seconds between two requests on average. What they do is written into ``crew`` as they do it.
    """
    try:
        import httpx  # noqa: F401
    except ImportError as e:
        raise ConfigError("ZF-BENCH-HTTPX", "没有安装 httpx", "pip install httpx。") from e
    crew, end = crew or Crew(), until or threading.Event()
    threads = [
        threading.Thread(target=_Person(address, who, session, n, crew, end, think).work, args=(words, filters))
        for n, (who, session) in enumerate(sessions)
    ]
    for t in threads:
        t.start()
    end.wait(seconds)
    end.set()
    for t in threads:
        t.join()
    return crew


class _HomeTimeError(Exception):
    """The time to work is over."""


class _Person:
    """One browser. Whatever goes wrong ends this person's work and stands in ``crew.errors``."""

    def __init__(
        self, address: str, who: str, session: str, number: int, crew: Crew, end: threading.Event, think: float
    ) -> None:
        import httpx

        self._who, self._crew, self._end, self._think = who, crew, end, think
        self._rng = random.Random(number)  # noqa: S311  made up, not secret
        self._client = httpx.Client(base_url=address, cookies={"zuofeng_session": session}, timeout=120)
        self._page = ""

    def work(self, words: Sequence[str], filters: Sequence[str]) -> None:
        """Go round until the end."""
        import httpx

        try:
            self._end.wait(self._rng.random() * self._think)
            while True:
                self._get("队列", "/queue")
                self._review()
                self._get("队列筛选", f"/queue?{self._rng.choice(filters)}")
                self._get("查找", "/queue", q=self._rng.choice(words))
                self._get("总览", "/dashboard")
        except _HomeTimeError:
            pass
        except httpx.HTTPError as e:
            self._crew.errors.append(f"{self._who} {type(e).__name__} {e}")
        finally:
            self._client.close()

    def _review(self) -> None:
        where = self._post("取件", "/queue/take", filters="").headers.get("location", "")
        for _ in range(EACH):
            if not where.startswith("/documents/"):
                return
            page = self._get("复核页", where).text
            chosen, digest = tuple(sorted(_TICKED.findall(page))), _HASH.search(page)
            if digest is None:
                return
            self._timed("相似件", "GET", f"{where}/similar", pause=SETTLE, headers={"HX-Request": "true"})
            answer = self._post(
                "判定", f"{where}/decide", action="save", label=list(chosen), text_hash=digest[1], seconds="9"
            )
            if answer.status_code == 409:
                self._crew.refused += 1
                return
            if answer.status_code == 302:
                self._crew.made.append(Made(self._who, int(where.rsplit("/", 1)[1]), chosen))
                self._crew.at_work.set()
            where = answer.headers.get("location", "")

    def _get(self, name: str, path: str, **query: str) -> httpx.Response:
        answer = self._timed(name, "GET", path, params=query or None)
        self._page = answer.text
        return answer

    def _post(self, name: str, path: str, **data: str | list[str]) -> httpx.Response:
        token = _TOKEN.search(self._page)
        return self._timed(name, "POST", path, data={**data, "csrfmiddlewaretoken": token[1] if token else ""})

    def _timed(self, name: str, method: str, path: str, pause: float | None = None, **more: object) -> httpx.Response:
        if pause is None:
            pause = self._rng.expovariate(1 / self._think) if self._think else 0
        # Nobody hurries at the end: what everybody asked at once then would be timed as well.
        if self._end.wait(pause):
            raise _HomeTimeError
        start = time.perf_counter()
        answer = self._client.request(method, path, **more)  # type: ignore[arg-type]
        self._crew.visits.append(Visit(name, time.perf_counter() - start, answer.status_code))
        if answer.status_code >= 500 or answer.status_code in (400, 403, 404):
            self._crew.errors.append(f"{self._who} {method} {path} {answer.status_code}")
        return answer
