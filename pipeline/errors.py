"""What can go wrong, said once.

ZuofengError            code, a Chinese sentence, what to do next, an exit code
├── ConfigError         2  settings, taxonomy or usage; holds every mistake found
├── SourceError         2  an input that cannot be opened or understood at all
├── BundleError         2  a model that is damaged, incomplete or made for something else
├── CorpusError         2  gold texts that break the schema
└── UnfinishedError     3  stopped half-way; what is written is safe, run again
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "BundleError", "ConfigError", "CorpusError", "SourceError", "UnfinishedError", "ZuofengError", "first_line",
]  # fmt: skip


class ZuofengError(Exception):
    """Base of all errors shown to users.

    ``code`` is stable and searchable (``ZF-…``), ``message`` says what is wrong and ``hint`` what to do,
    both in Chinese; ``details`` lists single findings, one per line.
    """

    exit_code = 2

    def __init__(self, code: str, message: str, hint: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details = tuple(details)

    def __str__(self) -> str:
        lines = [f"[{self.code}] {self.message}", *(f"  · {d}" for d in self.details)]
        if self.hint:
            lines.append(f"  → {self.hint}")
        return "\n".join(lines)


def first_line(error: BaseException) -> str:
    """Return what a driver says first: behind it may stand the statement, with people's texts."""
    return str(error).strip().partition("\n")[0]


class ConfigError(ZuofengError):
    """Settings, taxonomy file or command line: all mistakes at once, as ``where -> what``."""


class SourceError(ZuofengError):
    """An input file that cannot be read as the format it claims to be."""


class BundleError(ZuofengError):
    """A model bundle that must not be used."""


class CorpusError(ZuofengError):
    """Gold texts that break their schema."""


class UnfinishedError(ZuofengError):
    """The work stopped before its end and may be started again."""

    exit_code = 3
