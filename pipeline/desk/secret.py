"""The desk's one secret, a file beside the store: sessions and the seals of the audit trail hang on it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pipeline.errors import ConfigError

__all__ = ["secret_of"]

FILE = "desk.key"
_SHORTEST = 50


def secret_of(state: Path) -> str:
    """Return the secret below ``state``, made on first use; raises ConfigError when it cannot be read or is cut."""
    path = state / FILE
    state.mkdir(mode=0o750, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(secrets.token_urlsafe(64))
    try:
        found = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError("ZF-DESK-KEY", f"读不了密钥文件 {path}", "由运行复核台的系统用户来运行，或检查权限。") from e
    if len(found) < _SHORTEST:
        raise ConfigError(
            "ZF-DESK-KEY", f"密钥文件 {path} 不完整", "从备份恢复它；没有备份时删掉它，旧的留痕将无法核验。"
        )
    return found
