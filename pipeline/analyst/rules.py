"""Rules written by people who do not program: a label, the phrases that speak for it, the phrases that take it back.

    [[rule]]
    label = "不作为、慢作为"            # name or id
    phrases = ["石沉大海", "一直没有回音"]
    unless = ["已经解决"]              # in the same sentence; may be left out

Phrases may use the notation of the concept lexicon (`pipeline.text.forms`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import ConfigError
from pipeline.exchange.labelled import label_ids
from pipeline.taxonomy import Taxonomy
from pipeline.text.clean import clean
from pipeline.text.concepts import Concept, Lexicon
from pipeline.text.forms import as_cleaned, form_mistake
from pipeline.text.sentences import split_sentences

__all__ = ["Hit", "Rule", "find_hits", "parse_rules"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``[[rule]]``; ``number`` counts from 1 in the file."""

    number: int
    label: str
    phrases: tuple[str, ...]
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """The first place where a rule speaks in a text: offsets in the text as given."""

    row: int
    rule: Rule
    start: int
    end: int


def parse_rules(raw: bytes, name: str, taxonomy: Taxonomy) -> list[Rule]:
    """Read a rule file; raises ConfigError with every mistake."""
    try:
        data = tomllib.loads(raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise ConfigError("ZF-RULES-SYNTAX", f"规则 {name} 不是合格的 TOML：{e}", "按提示的行列改正。") from e
    wrong: list[str] = [f"{key} -> 不认识这一项" for key in data if key != "rule"]
    rules = []
    tables = data.get("rule", [])
    for number, table in enumerate(tables if isinstance(tables, list) else [], 1):
        rule, mistakes = _rule(number, table, taxonomy)
        wrong += [f"第 {number} 条规则 -> {m}" for m in mistakes]
        rules.append(rule)
    if not rules:
        wrong.append("rule -> 一条规则也没有")
    if wrong:
        raise ConfigError("ZF-RULES-INVALID", f"规则 {name} 有 {len(wrong)} 处错误", "逐条改正。", wrong)
    return rules


def find_hits(rules: Sequence[Rule], texts: Sequence[str]) -> list[Hit]:
    """Return where the rules speak in ``texts``, each rule once per text at its first sentence without objection."""
    cleaned = [clean(t) for t in texts]
    plain = [c.text for c in cleaned]
    sentences = split_sentences(plain)
    # Concept 2n is what rule n says, 2n + 1 what takes it back.
    concepts = [Concept(str(r.number), "", forms) for r in rules for forms in (r.phrases, r.unless)]
    found = Lexicon(concepts).find(sentences.of(plain))
    places = [of.tolist() for of in (found.sentence, found.concept, found.start, found.end)]
    said = set(zip(*places[:2], strict=True))
    hits: dict[tuple[int, int], Hit] = {}
    for s, c, a, b in zip(*places, strict=True):
        if c % 2 or (s, c + 1) in said:
            continue
        rule, row, before = rules[c // 2], int(sentences.row[s]), int(sentences.start[s])
        if (row, rule.number) not in hits:
            start, end = cleaned[row].to_given(before + a, before + b)
            hits[row, rule.number] = Hit(row, rule, start, end)
    return sorted(hits.values(), key=lambda h: (h.row, h.rule.number))


def _rule(number: int, table: Any, taxonomy: Taxonomy) -> tuple[Rule, list[str]]:
    if not isinstance(table, Mapping):
        return Rule(number, "", ()), ["应为表"]
    wrong = [f"不认识的项 {key}" for key in table if key not in ("label", "phrases", "unless")]
    label = table.get("label", "")
    ids, unknown = (
        label_ids([label], taxonomy) if isinstance(label, str) else ({}, ["label 应为文字，一条规则一个标签"])
    )
    named = [x for labels in ids.values() for x in labels]
    wrong += unknown
    lists = {}
    for key in ("phrases", "unless"):
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            wrong.append(f"{key} 应为文字的列表")
            value = []
        # They are looked for in cleaned text.
        lists[key] = tuple(map(as_cleaned, value))
        wrong += [f"{key} 的 {v}：{m}" for v, form in zip(value, lists[key], strict=True) if (m := form_mistake(form))]
    if not lists["phrases"]:
        wrong.append("phrases 至少一条")
    return Rule(number, named[0] if named else "", lists["phrases"], lists["unless"]), wrong
