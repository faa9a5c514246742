"""Programs that use the interface: added, revoked, recognised by their token."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.utils import timezone

from pipeline.desk import audit
from pipeline.desk.tables import Client
from pipeline.errors import ConfigError

__all__ = ["GRANTS", "Grant", "add_client", "client_of", "revoke_client"]

_NAME = re.compile(r"[\w.-]{1,40}")


class Grant(StrEnum):
    """What a client may be allowed; each address of the interface needs one."""

    CLASSIFY = "classify"
    READ = "read"
    POST = "post"


GRANTS = {
    Grant.CLASSIFY: "给文本分类，不存",
    Grant.READ: "取预测与判定，已遮盖",
    Grant.POST: "交来新件，由夜间任务收",
}


def add_client(name: str, may: Iterable[str], *, actor: str | None = None) -> tuple[Client, str]:
    """Add a client; return it with its token, which is shown once and kept nowhere. Raises ConfigError."""
    if _NAME.fullmatch(name) is None:
        raise ConfigError("ZF-CLIENT-NAME", f"客户端名称不合要求：{name}", "用字母、数字、汉字、. _ -，至多 40 个。")
    granted = sorted({Grant(m).value for m in may})
    token = "zf_" + secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            client = Client.objects.create(name=name, token_hash=_hash(token), may=granted)
            audit.record("client.add", name, actor=actor, may=granted)
    except IntegrityError as e:
        raise ConfigError("ZF-CLIENT-TAKEN", f"已有客户端 {name}", "换个名称；停用的名称也不再给别人用。") from e
    return client, token


def revoke_client(name: str, *, actor: str | None = None) -> None:
    """Make a client's token worthless from now on; raises ConfigError when there is none in use."""
    with transaction.atomic():
        if not Client.objects.filter(name=name, revoked=None).update(revoked=timezone.now()):
            raise ConfigError("ZF-CLIENT-NONE", f"没有在用的客户端 {name}", "用 zuofeng client list 查看。")
        audit.record("client.revoke", name, actor=actor)


def client_of(token: str) -> Client | None:
    """Return the client in use that holds ``token``."""
    # 256 random bits need no salt and no slow hash: nobody can try them out.
    return Client.objects.filter(token_hash=_hash(token), revoked=None).first()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
