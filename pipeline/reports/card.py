"""A model's card: what it is, on what it learned, how good it is per label, where it is weak, how to use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.model.bundle import Bundle
from pipeline.model.history import ACTIONS, Entry
from pipeline.model.promise import promise_of
from pipeline.reports.page import interval
from pipeline.whole import write_file

__all__ = ["LANGUAGES", "model_card", "write_cards"]

LANGUAGES = ("zh", "en")
WEAKEST = 5

_ZH = {
    "title": "模型卡：{id}",
    "what": "是什么",
    "reads": "读中文投诉与材料，按标签体系 {taxonomy} 判出 {labels} 个标签，附校准过的分数和作为证据的原文字句。"
    "整篇与单句两组线性分类器；载入时不运行任何代码。",
    "accustomed": "由 {origin} 照 {texts} 条没有标注的来文定了说法有多陌生；语料上的数字不算这一项。",
    "adapted": "由 {origin} 用 {texts} 条本地复核过的文本重设了校准与阈值。",
    "promise": "许诺：自动判出的标签查准率不低于 {promise:.2f}，够不着的交人。",
    "learned": "从什么学来",
    "corpus": "{texts} 条文本、{groups} 个情境，语料哈希 {sha256}；词典 {dictionary}；概念 {lexicon}。",
    "trained": "{at}（UTC）由 {author} 训练，用时 {seconds} 秒，代码 {code}。文件：{files}。",
    "good": "有多准",
    "measured": "在没有参与训练的 {texts} 条文本上；方括号里是按情境整组重抽的 95% 自助区间。",
    "unmeasured": "没有这次训练的测量记录；用 `zuofeng evaluate --model {id}` 量一次。",
    "local": "语料上的数字说明不了它在本单位怎样；用没有参与重设的复核来量："
    "`zuofeng evaluate --model {id} --gold 复核.jsonl`。",
    "head": ("标签", "正例", "查准率", "查全率", "F1"),
    "macro": "{scheme}宏 F1",
    "problem": "有无问题 F1",
    "alarm": "无标签文本的误报率",
    "error": "期望校准误差：{error}",
    "weak": "弱在哪里",
    "weakest": "F1 最低的：{labels}。",
    "few": "正例不到 20 条、数字说明不了多少的：{labels}。",
    "elsewhere": "与所学语料不同的来文上会弱一些：用到本单位之前，先拿自己复核过的文本量。判定供人核对，不作结论。",
    "use": "怎么用",
    "lived": "启用记录",
    "never": "没有启用过。",
    "licence": "许可：Apache-2.0。",
    "list": "；",
    "colon": "：",
}
_EN = {
    "title": "Model card: {id}",
    "what": "What it is",
    "reads": "Reads Chinese complaints and reports and gives {labels} labels of the scheme {taxonomy}, with calibrated "
    "scores and the words that are the evidence. Linear heads for whole texts and for single sentences; loading it "
    "runs no code.",
    "accustomed": "How strange wording is was set from {texts} unlabelled local texts; otherwise {origin}. Figures on "
    "the corpus leave that out.",
    "adapted": "Calibration and thresholds of {origin} were set anew with {texts} reviewed local texts.",
    "promise": "It promises a precision of {promise:.2f} for labels decided; what cannot be is left to people.",
    "learned": "What it learned from",
    "corpus": "{texts} texts of {groups} situations, corpus hash {sha256}; dictionary {dictionary}; lexicon {lexicon}.",
    "trained": "Trained {at} (UTC) by {author} in {seconds} s, code {code}. Files: {files}.",
    "good": "How good it is",
    "measured": "On {texts} texts that took no part in training; in brackets 95 % bootstrap intervals, whole "
    "situations drawn.",
    "unmeasured": "There is no measurement of this training on record; run `zuofeng evaluate --model {id}`.",
    "local": "Figures on the corpus would not tell how it does at home; measure it on reviews it was not adapted to: "
    "`zuofeng evaluate --model {id} --gold FILE`.",
    "head": ("Label", "Positives", "Precision", "Recall", "F1"),
    "macro": "{scheme}: macro F1",
    "problem": "Problem or not, F1",
    "alarm": "False alarms among texts without a label",
    "error": "Expected calibration error: {error}",
    "weak": "Where it is weak",
    "weakest": "Lowest F1: {labels}.",
    "few": "Fewer than 20 positives, so that figures say little: {labels}.",
    "elsewhere": "On texts unlike those it learned from it is weaker: measure it on reviewed texts of your own first. "
    "Decisions are for people to check.",
    "use": "How to use it",
    "lived": "When it was live",
    "never": "Never.",
    "licence": "Licence: Apache-2.0.",
    "list": "; ",
    "colon": ": ",
}
FEW = 20


def model_card(bundle: Bundle, run: Mapping[str, Any] | None, history: Sequence[Entry], language: str = "zh") -> str:
    """Return the card as Markdown; ``run`` is the record of its training, None where there is none.

    The same records give the same card.
    """
    words: Mapping[str, Any] = {"zh": _ZH, "en": _EN}[language]
    manifest, taxonomy = bundle.manifest, bundle.taxonomy
    lines = [f"# {words['title'].format(id=bundle.id)}", "", f"## {words['what']}", ""]
    named = f"{taxonomy.id} {taxonomy.version}"
    lines.append(words["reads"].format(taxonomy=named, labels=len(taxonomy.columns)))
    if language == "zh" and taxonomy.negative:
        lines.append(taxonomy.negative)
    lines += [
        words[how].format(origin=home.get("from", ""), texts=home.get("documents", ""))
        for how in ("accustomed", "adapted")
        if (home := manifest.get(how))
    ]
    if promise := promise_of(manifest):
        lines.append(words["promise"].format(promise=promise))
    lines += ["", f"## {words['learned']}", "", _learned(manifest, words)]
    if run:
        files = words["list"].join(s["file"] for s in run["sources"])
        lines.append(words["trained"].format(**{**run, "at": run["at"][:19], "code": run["code"][:12], "files": files}))
    lines += ["", f"## {words['good']}", "", *_figures(bundle, (run or {}).get("figures") or {}, words, language)]
    how = f"zuofeng promote {bundle.id}{' --gold FILE' * (bundle.home == 'adapted')} --reason “…”"
    lines += ["", f"## {words['use']}", "", "```sh", f"zuofeng classify FILE --model {bundle.id}", how, "```", "",
              f"## {words['lived']}", ""]  # fmt: skip
    mine = [e for e in history if e.model == bundle.id]
    lines += [f"- {e.at[:19]} {_action(e, language)} · {e.author} · {e.reason}" for e in mine] or [words["never"]]
    return "\n".join([*lines, "", words["licence"], ""])


def write_cards(bundle: Bundle, run: Mapping[str, Any], history: Sequence[Entry], folder: Path) -> None:
    """Write the card in every language into ``folder``: ``card.zh.md`` and so on."""
    for language in LANGUAGES:
        write_file(folder / f"card.{language}.md", model_card(bundle, run, history, language))


def _learned(manifest: Mapping[str, Any], words: Mapping[str, Any]) -> str:
    short = {k: str(manifest.get(k) or "–")[:12] for k in ("dictionary", "lexicon")}
    corpus = manifest["corpus"]
    return str(words["corpus"].format(**{**corpus, "sha256": corpus["sha256"][:12], **short}))


def _figures(bundle: Bundle, figures: Mapping[str, Any], words: Mapping[str, Any], language: str) -> list[str]:
    if not figures:
        key = "local" if bundle.home == "adapted" else "unmeasured"
        return [words[key].format(id=bundle.id), "", f"## {words['weak']}", "", words["elsewhere"]]
    labels = figures["labels"]
    names = {i: _name(bundle, i, language) for _, i in bundle.taxonomy.columns}
    keys = ("precision", "recall", "f1")
    rows = [(names[i], str(f["positives"]), *(interval(f[k]) for k in keys)) for i, f in labels.items()]
    head, colon = words["head"], words["colon"]
    lines = [words["measured"].format(texts=figures["texts"]), ""]
    lines += [f"| {' | '.join(r)} |" for r in (head, ["---"] * len(head), *rows)]
    lines.append("")
    for s in bundle.taxonomy.schemes:
        macro = figures["schemes"][s.id]["macro_f1"]
        name = (s.english or s.id) if language == "en" else s.name
        lines.append(f"- {words['macro'].format(scheme=name)}{colon}{interval(macro)}")
    lines.append(f"- {words['problem']}{colon}{interval(figures['problem']['f1'])}")
    lines.append(f"- {words['alarm']}{colon}{interval(figures['problem']['false_alarm_rate'])}")
    if (error := figures.get("expected_calibration_error")) is not None:
        lines.append(f"- {words['error'].format(error=error)}")
    known = [i for i, f in labels.items() if f["positives"] >= FEW]
    weakest = sorted(known, key=lambda i: labels[i]["f1"][0])[:WEAKEST]
    few = [i for i, f in labels.items() if f["positives"] < FEW]
    lines += ["", f"## {words['weak']}", ""]
    for key, which in (("weakest", weakest), ("few", few)):
        if which:
            lines.append(words[key].format(labels=words["list"].join(names[i] for i in which)))
    return [*lines, words["elsewhere"]]


def _name(bundle: Bundle, label: str, language: str) -> str:
    found = bundle.taxonomy.label(label)
    return (found.english or label) if language == "en" else found.name


def _action(entry: Entry, language: str) -> str:
    return entry.action if language == "en" else ACTIONS.get(entry.action, entry.action)
