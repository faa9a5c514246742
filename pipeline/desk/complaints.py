"""What a text says of earlier complaints: that there were several, that they had no answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pipeline.text.matcher import Matcher

__all__ = ["Complaints", "complains_of"]

#: Forms as `pipeline.text.matcher` takes them: both readers read the same.
_AGAIN = (
    *("多次", "反复", "再次", "一再", "屡次", "三番五次", "来回跑"),
    "[三四五六七八九十两0123456789０１２３４５６７８９][多余几]?[次趟]",
    "第[二三四五六七八九十]次",
)
_CALLS = (
    "(12345|热线|电话|来电|投诉|信访|留言).{0,16}"
    "(没人接|无人接|打不通|没有?回复|未回复|不回复|没人管|石沉大海|没有?下文|不予答复|杳无音信)"
)
_FORMS = (_AGAIN, (_CALLS,))
_READ = tuple(re.compile("|".join(forms)) for forms in _FORMS)
#: So many characters are read one text at a time; loading the compiled reader takes as long.
_LITTLE = 50_000


def complains_of(text: str) -> tuple[bool, bool]:
    """Return whether ``text`` says that it was reported several times, and that calls or complaints had no answer."""
    again, unanswered = (read.search(text) is not None for read in _READ)
    return again, unanswered


class Complaints:
    """Says of batches what `complains_of` says of one text, many times faster once it has read a little."""

    def __init__(self) -> None:
        self._left = _LITTLE
        self._matcher: Matcher | None = None

    def of(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Return what each text says, (texts, 2)."""
        self._left -= sum(map(len, texts))
        if self._left >= 0:
            return np.array([complains_of(t) for t in texts], bool).reshape(-1, len(_FORMS))
        if self._matcher is None:
            # Imported here: numba takes longer than all the rest of a short run.
            from pipeline.text.matcher import Matcher

            self._matcher = Matcher([form for forms in _FORMS for form in forms])
        kind = np.repeat(np.arange(len(_FORMS)), list(map(len, _FORMS)))
        found = self._matcher.find(texts, kind)
        said = np.zeros((len(texts), len(_FORMS)), bool)
        said[found[:, 0], kind[found[:, 1]]] = True
        return said
