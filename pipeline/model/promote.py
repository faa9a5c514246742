"""Putting a model live and taking it back: checked, recorded, and of no concern to a night that is running.

A night holds its model in memory from its start, and ``champion`` is replaced in one step: whoever reads it sees the
old model or the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import BundleError, UnfinishedError
from pipeline.model.bundle import Bundle
from pipeline.model.compare import SOURCES, Comparison
from pipeline.model.history import Entry, open_history
from pipeline.model.promise import promise_of
from pipeline.model.registry import champion_id, load_model

__all__ = [
    "ask_for_reason", "first", "foreseen", "objections", "promote", "refusal", "rollback", "summary", "told",
]  # fmt: skip


def objections(found: Comparison) -> list[str]:
    """Return why the challenger should not replace the champion, one sentence each; empty when nothing speaks."""
    taxonomy = found.taxonomy
    names = _names(found)
    # The corpus's texts show what was learned from it, not what was learned from an office.
    unlike = found.source == "corpus" and "adapted" in (found.a.home, found.b.home)
    said = [*_away(found.a.home, found.b.home, found.a.promise, found.b.model)] if found.source == "corpus" else []
    for row in () if unlike else found.falls:
        c = row.contrast
        name = names.get(row.name) or f"“{taxonomy.label(row.name).name}”的 F1"
        said.append(
            f"{name} 显著下降：{c.a:.3f} → {c.b:.3f}（差 {c.difference:+.3f}，95% 区间 "
            f"[{c.low:+.3f}, {c.high:+.3f}]，校正后 p = {c.adjusted:.4f}）"
        )
    said += _less(found.a.promise, found.b.promise)
    said += [
        f"“{taxonomy.label(k.label).name}”违背许诺：判出 {k.called} 条、对 {k.hits} 条，查准率 {k.precision:.3f}，"
        f"低于许诺的 {found.b.promise:.2f}"
        for k in (() if unlike else found.broken)
    ]
    return said


def foreseen(live: Bundle, home: str, promise: float) -> list[str]:
    """Return what speaks against any model at ``home`` (as in Bundle) that promises ``promise``, before it is made."""
    old = promise_of(live.manifest)
    return [*_away(live.home, home, old, "新编号"), *_less(old, promise)]


def _away(old: str, new: str, promise: float, model: str) -> Iterator[str]:
    """Yield what the corpus's texts cannot show: that one of both, ``old`` and ``new``, is at home in an office.

    ``model`` is the new one, ``promise`` what the old one promised.
    """
    if new == "adapted":
        yield "新模型用本单位的复核重设过，语料量不出它的好坏：加上 --gold 复核.jsonl，重设用过的也行"
    elif old == "adapted":
        also = f" --promise precision={promise:g}" * (promise > 0)
        yield (
            "在用模型用本单位的复核重设过，新模型没有，语料量不出好坏："
            f"先 zuofeng adapt --reviewed 复核.jsonl --model {model}{also}，再换上重设出的，比较时给 --gold 复核.jsonl"
        )
    elif (old, new) == ("accustomed", "abroad"):
        yield (
            "在用模型照本单位的来文定过说法，新模型没有，换上会漏得多："
            f"先 zuofeng adapt --unlabelled 去年的来文.xlsx --model {model}，再换上定过说法的"
        )


def _less(old: float, new: float) -> Iterator[str]:
    if new < old:
        yield f"在用模型许诺查准率 {old:.2f}，新模型" + (f"只许诺 {new:.2f}" if new else "没有许诺")


def told(found: Comparison) -> str:
    """Return the few figures that people ask for, in a line that says on which texts."""
    names = _names(found)
    figures = "；".join(
        f"{names[r.name]} {r.contrast.a:.3f} → {r.contrast.b:.3f}" for r in found.rows if r.kind != "label"
    )
    same = found.source == "corpus" and not found.flips and "accustomed" in (found.a.home, found.b.home)
    return f"在{SOURCES[found.source]} {found.texts} 条上：{figures}" + "；只差本单位来文的说法算多陌生" * same


def _names(found: Comparison) -> dict[str, str]:
    return {s.id: f"{s.name}宏 F1" for s in found.taxonomy.schemes} | {"problem": "有无问题 F1"}


def refusal(model: str, against: list[str]) -> BundleError:
    """Return the error that says why ``model`` is not made live."""
    return BundleError(
        "ZF-PROMOTE-REFUSED",
        f"没有启用 {model}，有 {len(against)} 条理由",
        "看 zuofeng compare 的报告；确要启用，用 zuofeng promote 加 --force --reason “理由”。",
        against,
    )


def summary(found: Comparison) -> dict[str, Any]:
    """Return the figures worth a line in the history."""
    rows = [r for r in found.rows if r.kind != "label"]
    return {
        "source": found.source,
        "texts": found.texts,
        "figures": {r.name: [round(v, 4) for v in (r.contrast.a, r.contrast.b, r.contrast.difference)] for r in rows},
        "flips": len(found.flips),
        "promise": found.b.promise,
    }


def first(folder: Path, model: str, *, author: str, reason: str = "") -> Entry | None:
    """Make ``model`` live where none is yet; return None when there is one."""
    load_model(folder, model)
    with open_history(folder) as history:
        if champion_id(folder) is not None:
            return None
        return history.make_live(model, action="first", author=author, reason=reason)


def ask_for_reason(reason: str, *, force: bool) -> None:
    """Raise BundleError where a model is to be made live by ``force`` and no ``reason`` is given."""
    if force and not reason.strip():
        raise BundleError("ZF-PROMOTE-REASON", "强行启用要写明理由", "加 --reason “理由”。")


def promote(
    folder: Path,
    model: str,
    *,
    author: str,
    reason: str = "",
    found: Comparison | None = None,
    force: bool = False,
    action: str = "promote",
) -> Entry:
    """Make ``model`` live and record it.

    ``found`` compares it with the live one. Raises BundleError when it was not compared or something speaks against
    it, unless ``force``, which needs a ``reason``; UnfinishedError when the live model changed meanwhile.
    """
    load_model(folder, model)
    ask_for_reason(reason, force=force)
    with open_history(folder) as history:
        live = champion_id(folder)
        if live == model:
            raise BundleError("ZF-PROMOTE-SAME", f"{model} 已经在用", "运行 zuofeng models 查看。")
        against: list[str] = []
        if live is not None:
            if found is None:
                against = ["没有与在用模型比较过"]
            elif (found.a.model, found.b.model) != (live, model):
                raise UnfinishedError("ZF-PROMOTE-CHANGED", "比较期间在用模型换了", "重跑即可。")
            else:
                against = objections(found)
        if against and not force:
            raise refusal(model, against)
        return history.make_live(
            model,
            action=action,
            author=author,
            reason=reason,
            forced=bool(against),
            objections=against,
            summary=summary(found) if found else {},
            figures=found.to_dict() if found else None,
        )


def rollback(folder: Path, *, author: str, reason: str, check: Callable[[str], object] = lambda model: None) -> Entry:
    """Take back the last promotion and record it; called again, the one before. Raises BundleError when none is left.

    Nothing is compared: going back must be possible in a hurry. ``check`` raises for a model no night would run with.
    """
    with open_history(folder) as history:
        history.note_outside()
        target = history.origin()
        if target is None:
            raise BundleError("ZF-ROLLBACK-NONE", "没有可以退回的启用记录", "运行 zuofeng models --history 查看。")
        load_model(folder, target)
        check(target)
        return history.make_live(target, action="rollback", author=author, reason=reason)
