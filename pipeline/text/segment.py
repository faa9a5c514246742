"""Words: jieba is the reference, rjieba the engine; same dictionary, same tokens, HMM off.

With the HMM off rjieba's tokens equal jieba's; with it on, long messages differ around ``-``, ``.`` and ``_``
(jieba-rs, fixed after 0.2.2). Classification does as well without.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.machinery
import importlib.util
import os
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from pipeline.errors import ConfigError

__all__ = ["JiebaSegmenter", "RjiebaSegmenter", "Segmenter", "dictionary_hash", "load_dictionary"]

#: Longest piece handed to an engine at once, in characters: its lattice grows with the sentence.
PIECE = 20_000


class Segmenter(Protocol):
    """Anything that cuts normalised texts into words."""

    def cut(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the words of each text; joined, they are the text again."""
        ...


def load_dictionary(path: Path) -> dict[str, int]:
    """Read ``word frequency`` lines; raises ConfigError with every bad line."""
    words: dict[str, int] = {}
    wrong: list[str] = []
    try:
        # Editors of Windows write a mark at the beginning that nobody sees.
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as e:
        raise ConfigError(
            "ZF-DICT-MISSING", f"读不到领域词典 {path}（{e.strerror}）", "检查 corpora/dictionary.txt。"
        ) from e
    except UnicodeDecodeError as e:
        raise ConfigError("ZF-DICT-INVALID", f"领域词典 {path} 不是 UTF-8 编码", "另存为 UTF-8，内容不用改。") from e
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if not fields or line.startswith("#"):
            continue
        if len(fields) != 2 or not fields[1].isdecimal() or int(fields[1]) < 1:
            wrong.append(f"第 {number} 行 -> 应为“词 词频”，词频为正整数")
        elif fields[0] in words:
            wrong.append(f"第 {number} 行 -> {fields[0]} 出现两次")
        else:
            words[fields[0]] = int(fields[1])
    if wrong:
        raise ConfigError("ZF-DICT-INVALID", f"领域词典 {path} 有 {len(wrong)} 处错误", "逐条改正。", wrong)
    return words


def dictionary_hash(words: dict[str, int]) -> str:
    """Return a hash of the domain dictionary, whatever the order of its lines."""
    return hashlib.sha256("\n".join(f"{w} {f}" for w, f in sorted(words.items())).encode()).hexdigest()


class RjiebaSegmenter:
    """The engine: jieba's algorithm in Rust, loaded when it is first asked; those of the same words share one."""

    def __init__(self, words: Mapping[str, int]) -> None:
        self._words = words

    @functools.cached_property
    def _engine(self) -> Any:
        return _engine(tuple(self._words.items()))

    @property
    def name(self) -> str:
        """Engine and version, as a model's manifest has them."""
        from importlib.metadata import version

        return f"rjieba-{version('rjieba')}-nohmm"

    def cut(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the words of each text; joined, they are the text again."""
        cut = self._engine.cut
        return [cut(t, False) if len(t) <= PIECE else [w for p in _pieces(t) for w in cut(p, False)] for t in texts]


@functools.lru_cache(maxsize=2)
def _engine(words: tuple[tuple[str, int], ...]) -> Any:
    """Return the engine with the domain's ``words``; nobody adds others to it."""
    engine = _engine_code().Jieba()
    for word, frequency in words:
        engine.add_word(word, frequency, None)
    return engine


def _engine_code() -> ModuleType:
    """Return rjieba's machine code alone: its package, at import, makes an engine too, which takes as long as ours.

    Whoever imports the package later gets it whole, around this code.
    """
    package, name = "rjieba", "rjieba.rjieba"
    if name not in sys.modules and (found := importlib.util.find_spec(package)):
        spec = importlib.machinery.PathFinder.find_spec(name, found.submodule_search_locations)
        if spec and spec.loader:
            code = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(code)
            sys.modules[name] = code
    # Of a package that is laid out in another way all is taken.
    return sys.modules.get(name) or importlib.import_module(package)


class JiebaSegmenter:
    """The reference, slow and in pure Python; tests hold the engine to it.

    Its own cache folder is private: jieba unmarshals whatever lies under its well-known name in the shared
    temporary folder, unchecked.
    """

    def __init__(self, words: dict[str, int]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # jieba 0.42.1: pkg_resources, invalid escapes
            import jieba
        jieba.setLogLevel(60)
        self._tokenizer = jieba.Tokenizer()
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o700)  # noqa: PTH101
            self._tokenizer.tmp_dir = folder
            self._tokenizer.initialize()
        for word, frequency in words.items():
            self._tokenizer.add_word(word, frequency)

    def cut(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the words of each text; joined, they are the text again."""
        return [[w for p in _pieces(t) for w in self._tokenizer.lcut(p, HMM=False)] for t in texts]


def _pieces(text: str) -> list[str]:
    return [text[i : i + PIECE] for i in range(0, len(text), PIECE)] or [""]
