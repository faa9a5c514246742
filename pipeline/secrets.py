"""Passwords in settings: where they may stand, and how they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

__all__ = ["exposed", "hidden", "is_private", "is_secret", "scrub", "with_password"]

_NAMES = "pass|secret|token|key|pwd"
#: ``scheme://user:password@host`` and ``?password=…``.
_PASSWORD = re.compile(
    rf"(?<=://)([^/?#@\s:]*):([^@\s]+)(?=@)|(?<=[?&])([^=&\s]*(?:{_NAMES})[^=&\s]*=)[^&\s]+", re.IGNORECASE
)


def is_secret(name: str) -> bool:
    """Whether a parameter of this name holds something nobody else may see."""
    return re.search(_NAMES, name, re.IGNORECASE) is not None


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Return ``text`` without any of ``secrets``, as they are or as they stand in addresses."""
    for secret in filter(None, secrets):
        for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
            text = text.replace(form, "***")
    return text


def hidden(value: Any) -> Any:
    """Return ``value`` with every password in its texts replaced by stars."""
    if isinstance(value, str):
        return _PASSWORD.sub(lambda m: f"{m[3]}***" if m[3] else f"{m[1]}:***", value)
    if isinstance(value, dict):
        return {k: hidden(v) for k, v in value.items()}
    return [hidden(v) for v in value] if isinstance(value, list) else value


def is_private(path: Path) -> bool:
    """Whether nobody but its owner may read or change the file."""
    return path.stat().st_mode & 0o077 == 0


def exposed(values: dict[str, Any], path: Path) -> list[str]:
    """Return ``where -> what`` for each password of a settings file that others may read."""
    if not values or is_private(path):
        return []
    why = f"含口令，而 {path.name} 别人也能读：chmod 600 {path.name}，或改用环境变量、口令文件"
    return [f"{where} -> {why}" for where, text in _texts(values) if _PASSWORD.search(text)]


def with_password(url: str, password: str) -> str:
    """Return ``url`` with this password, in place of any it had."""
    scheme, _, rest = url.partition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}:{quote(password, safe='')}@{host}" if at else url


def _texts(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, where)
