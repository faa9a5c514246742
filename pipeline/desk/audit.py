"""The append-only trail: every entry is sealed with the desk's secret over the entry before it.

Whoever can write to the database but does not know the secret can neither change, insert nor remove an entry
without `verify` finding it; the sealed head row shows when the end was cut off.
"""

from __future__ import annotations

import contextvars
import datetime as dt
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from pipeline.desk.tables import AuditEntry, AuditHead, Decision, User

__all__ = [
    "ACTIONS", "Broken", "Gesture", "current_gesture", "gesture_now", "line_up", "record", "record_all", "verify",
]  # fmt: skip

#: A decision and its entry are of one moment; what may lie between them is waiting for each other.
_ONE_MOMENT = dt.timedelta(hours=1)
#: Every action that may stand in the trail, as pages show it.
ACTIONS = {
    "session.login": "登录",
    "session.fail": "登录失败",
    "session.lock": "登录被限",
    "session.logout": "退出",
    "access.deny": "越权被拒",
    "account.add": "建帐号",
    "account.change": "改帐号",
    "account.password": "改自己的密码",
    "account.reset": "重设别人的密码",
    "client.add": "发接口令牌",
    "client.revoke": "停用接口令牌",
    "api.deny": "接口拒绝",
    "api.classify": "经接口分类",
    "api.read": "经接口取用",
    "api.post": "经接口交件",
    "account.second_on": "打开两步登录",
    "account.second_off": "关掉两步登录",
    "document.see": "看件",
    "document.reveal": "看未遮盖原文",
    "search.reveal": "查到遮盖的内容",
    "document.print": "打印件",
    "case.claim": "领件",
    "case.release": "还件",
    "case.assign": "分件",
    "review.confirm": "确认",
    "review.correct": "更正",
    "review.reject": "判为无此问题",
    "review.unsure": "拿不准",
    "review.undo": "撤销判定",
    "review.final": "裁定",
    "review.note": "备注",
    "worksheet.save": "存甄别表",
    "worksheet.rule": "改情形或条件",
    "export.write": "导出",
    "import.preview": "预览导回",
    "import.apply": "导回",
    "reviews.read": "取用判定",
    "sample.draw": "抽盲标样本",
    "purge.begin": "开始按保留期清除",
    "purge.end": "按保留期清除完毕",
    "store.move": "搬存储",
    "corpus.snapshot": "做快照",
    "model.train": "训练模型",
    "model.first": "首个模型启用",
    "model.promote": "启用模型",
    "model.adapt": "重设后启用模型",
    "model.rollback": "退回模型",
    "model.found": "发现模型在别处改动",
    "shadow.start": "开始陪跑",
    "shadow.stop": "停止陪跑",
    "audit.read": "看留痕",
    "audit.verify": "核验留痕",
}


@dataclass(frozen=True, slots=True)
class Gesture:
    """One act of a person: ``id`` joins its entries, ``actor`` is the account, ``address`` where from."""

    id: str
    actor: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A place where the trail does not hold: the entry's number and what is wrong, in Chinese."""

    number: int
    what: str


current_gesture: contextvars.ContextVar[Gesture | None] = contextvars.ContextVar("current_gesture", default=None)


def record(action: str, target: str = "", *, actor: str | None = None, **detail: Any) -> AuditEntry:
    """Append one entry, in the caller's transaction if there is one; an unknown action is a KeyError."""
    (entry,) = record_all([(action, target, detail)], actor=actor)
    return entry


def record_all(rows: Sequence[tuple[str, str, dict[str, Any]]], *, actor: str | None = None) -> list[AuditEntry]:
    """Append one entry per (action, target, detail), as `record` does: of thousands at once nobody waits for each."""
    now = gesture_now()
    entries = []
    with transaction.atomic(savepoint=False):
        head = line_up()
        for action, target, detail in rows:
            ACTIONS[action]
            entry = AuditEntry(
                number=head.number + 1,
                at=dt.datetime.now(dt.UTC).isoformat(timespec="microseconds"),
                gesture=now.id,
                actor=(now.actor if actor is None else actor)[:60],
                action=action,
                target=target[:220],
                address=now.address,
                detail=detail,
            )
            entry.seal = _seal(head.seal, entry)
            head.number, head.seal = entry.number, entry.seal
            entries.append(entry)
        AuditEntry.objects.bulk_create(entries)
        head.proof = _proof(head)
        head.save()
    return entries


def gesture_now() -> Gesture:
    """Return the gesture of this request, or one of its own outside of requests; what shares it is undone together."""
    return current_gesture.get() or Gesture(uuid.uuid4().hex, "")


def line_up() -> AuditHead:
    """Wait for everybody who appends, and let them wait until the caller's transaction ends; return the head.

    What is numbered behind this is committed in the order of its numbers: who reads on from the last one misses none.
    """
    return AuditHead.objects.select_for_update().get(pk=1)


def verify() -> tuple[int, str, list[Broken]]:
    """Check the whole trail; return its length, its last seal and every place where it is broken."""
    broken: list[Broken] = []
    # The head first: what people add meanwhile lies behind it, and each entry of it has a seal of its own.
    head = AuditHead.objects.filter(pk=1).first()
    before, expected, sealed, begun = "", 1, "", ""
    for entry in AuditEntry.objects.order_by("number").iterator(chunk_size=2000):
        if entry.number != expected:
            broken.append(Broken(expected, f"缺第 {expected} 至 {entry.number - 1} 条"))
        elif not hmac.compare_digest(entry.seal, _seal(before, entry)):
            broken.append(Broken(entry.number, "内容与封签不符"))
        before, expected, begun = entry.seal, entry.number + 1, begun or entry.at
        if head and entry.number == head.number:
            sealed = entry.seal
    if head is None:
        broken.append(Broken(expected, "链头不见了"))
    elif head.number and not hmac.compare_digest(head.proof, _proof(head)):
        broken.append(Broken(head.number, "链头被改过"))
    elif head.seal != sealed or not AuditHead.objects.filter(number__gte=expected - 1).exists():
        broken.append(Broken(expected, f"末尾与链头不符：链头说共 {head.number} 条，现有到第 {expected - 1} 条"))
    if _misses_its_beginning(begun):
        broken.append(Broken(1, "库里的帐号、判定比第一条还早：此前的留痕不见了"))
    return expected - 1, before, broken


def _misses_its_beginning(begun: str) -> bool:
    """Whether the store knows of more than a trail that begins at ``begun``: emptied, a trail is as good as a new one.

    The first account stands in the trail, and so does every decision.
    """
    if not begun:
        return User.objects.exists()
    first = Decision.objects.order_by("id").values_list("at", flat=True).first()
    latest = first and (first + _ONE_MOMENT).astimezone(dt.UTC).isoformat(timespec="microseconds")
    return bool(latest and begun > latest)


def _seal(before: str, entry: AuditEntry) -> str:
    fields: Mapping[str, Any] = {
        "before": before,
        **{f: getattr(entry, f) for f in ("number", "at", "gesture", "actor", "action", "target", "address", "detail")},
    }
    return _hmac(json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def _proof(head: AuditHead) -> str:
    return _hmac(f"head {head.number} {head.seal}")


def _hmac(text: str) -> str:
    key = hashlib.sha256(b"zuofeng audit\0" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
