"""What is wrong with a night that ended, and the command that tells somebody."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from pipeline.batch.jump import Night, jumps
from pipeline.batch.numbers import MANY, notices
from pipeline.batch.report import RunReport

__all__ = ["Alert", "judge", "send"]

log = logging.getLogger("zuofeng.alert")
_NOTHING: Mapping[str, Any] = MappingProxyType({})
#: How long the command may take, in seconds.
PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Alert:
    """``kind`` is failed, late, empty, aside, unread, numbers, jump or doctor; ``message`` names nobody and no text."""

    kind: str
    message: str


def judge(
    report: RunReport | None,
    failure: str,
    before: Sequence[Night],
    *,
    last: Mapping[str, Any] = _NOTHING,
    work: str = "夜间任务",
    awaited: bool = True,
) -> list[Alert]:
    """Return what somebody should know of ``work`` that ended.

    ``failure`` is the code of what ended it too early, "" when nothing did; ``before`` are nights of the same model,
    ``last`` is the report of the latest: what was set aside then too was told then. Where nothing is ``awaited``,
    nothing read is no news.
    """
    found = []
    if failure:
        found.append(Alert("failed", f"{work}没有做完：{failure}"))
    if report is None:
        return found
    if report.aside:
        found.append(
            Alert("aside", f"{work}搁置了 {len(report.aside)} 批，共 {sum(a['records'] for a in report.aside)} 条")
        )
    told = {(u["file"], u["code"]) for u in last.get("unreadable", ())}
    if unread := [u for u in report.unreadable if (u["file"], u["code"]) not in told]:
        codes = "、".join(sorted({u["code"] for u in unread}))
        found.append(Alert("unread", f"{work}有 {len(unread)} 个文件没有读成（{codes}），运行报告里有是哪些、为什么"))
    came = report.new + report.changed
    reasons = last.get("reasons", {})
    twice, differ = (report.reasons[c] - reasons.get(c, 0) for c in ("ZF-REC-DUPLICATE", "ZF-REC-CONFLICT"))
    # A list that is exported anew every day brings everything twice: nothing is lost, and nothing to be mended.
    lost = report.rejected - last.get("rejected", 0) - twice - differ
    if lost >= MANY and lost > came:
        found.append(Alert("unread", f"{work}比上一夜多搁置 {lost} 条，新到的只读成 {came} 条：来件的格式可能变了"))
    if differ >= MANY and differ > came:
        what = "编号可能每份文件都从头编，或来件是改过的重导，搁置清单里逐条写着怎么办"
        found.append(Alert("numbers", f"{work}比上一夜多 {differ} 条与别的件编号相同而内容不同的：{what}"))
    found += [Alert("numbers", f"{work}{n.said}") for n in notices(report, last)]
    if report.read == 0:
        return [*found, *([Alert("empty", f"{work}一条也没有读到")] if awaited else [])]
    for label, now, usual in jumps(Night(report.scored, report.labels), before):
        found.append(Alert("jump", f"标签 {label} 占 {now:.1%}，以往是 {usual:.1%}"))
    return found


def send(command: Sequence[str], alerts: Sequence[Alert], *, run: str) -> bool:
    """Run ``command`` with all alerts as JSON on its standard input; return whether it succeeded.

    No shell is involved. A command that fails is logged and changes nothing else.
    """
    if not command or not alerts:
        return True
    told = json.dumps({"run": run, "alerts": [asdict(a) for a in alerts]}, ensure_ascii=False)
    try:
        # What it prints is nobody's business here, and need not be UTF-8.
        subprocess.run(  # noqa: S603  the operator's own command
            list(command), input=told.encode(), timeout=PATIENCE, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as e:
        log.error("告警命令没有成功", extra={"fields": {"error": type(e).__name__, "alerts": len(alerts)}})
        return False
    return True
