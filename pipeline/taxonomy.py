"""The label schemes: data with a version, loaded and checked in one go."""

from __future__ import annotations

import hashlib
import itertools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError

__all__ = ["Area", "Label", "Scheme", "Taxonomy", "load_taxonomy", "parse_taxonomy"]

KINDS = ("multi", "multi-at-least-one", "exclusive")
SOURCES = ("seed", "published", "published-unverified", "project")
_ID = re.compile(r"[A-Za-z0-9][\w\-]*")
#: What a model's folder is named by, short enough for every column that keeps it.
_NAME = re.compile(r"[A-Za-z0-9][\w.\-]{0,31}")
#: What else a prediction, or a result written back, has beside its schemes.
_TAKEN = frozenset(("id", "is_problem", "problem", "problem_score", "scores", "evidence", "review", "model", "note"))


@dataclass(frozen=True, slots=True)
class Area:
    """A group of labels inside a scheme (方面)."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Label:
    """One label; ``source`` says where its wording comes from."""

    id: str
    name: str
    english: str = ""
    area: str = ""
    source: str = "project"
    definition: str = ""
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scheme:
    """A set of labels judged together; ``kind`` says how many a document may carry."""

    id: str
    name: str
    kind: str
    labels: tuple[Label, ...]
    areas: tuple[Area, ...] = ()
    english: str = ""

    @property
    def label_ids(self) -> tuple[str, ...]:
        """The ids of the labels in file order."""
        return tuple(label.id for label in self.labels)


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All schemes of one file, with its version, the hash of its content and what it says gets no label."""

    id: str
    version: str
    title: str
    schemes: tuple[Scheme, ...]
    sha256: str
    negative: str = ""

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """``(scheme id, label id)`` of every label: the column order of every score matrix."""
        return tuple((s.id, label) for s in self.schemes for label in s.label_ids)

    @property
    def blocks(self) -> tuple[tuple[Scheme, slice], ...]:
        """Every scheme with the columns of its labels."""
        ends = itertools.accumulate(len(s.labels) for s in self.schemes)
        return tuple((s, slice(end - len(s.labels), end)) for s, end in zip(self.schemes, ends, strict=True))

    def label(self, label_id: str) -> Label:
        """Return the label with this id; raises KeyError."""
        for scheme in self.schemes:
            for label in scheme.labels:
                if label.id == label_id:
                    return label
        raise KeyError(label_id)

    def check_labels(self, labels: object) -> list[str]:
        """Return every mistake in a gold record's ``labels`` object, empty when it is right."""
        if not isinstance(labels, Mapping):
            return ["labels 应为对象，如 {“方案”: [标签…]}"]
        known = {s.id for s in self.schemes}
        wrong = [f"labels.{key} -> 标签体系里没有这个方案" for key in labels if key not in known]
        for scheme in self.schemes:
            given = labels.get(scheme.id, [])
            if not isinstance(given, list) or not all(isinstance(v, str) for v in given):
                wrong.append(f"labels.{scheme.id} -> 应为标签名的列表")
                continue
            ids = scheme.label_ids if given else ()
            wrong += [f"labels.{scheme.id} -> 没有标签 {v!r}" for v in given if v not in ids]
            if len({*given}) < len(given):
                twice = sorted({v for v in given if given.count(v) > 1})
                wrong += [f"labels.{scheme.id} -> 标签 {v!r} 重复" for v in twice]
            if scheme.kind == "exclusive" and len(given) != 1:
                wrong.append(f"labels.{scheme.id} -> 单选方案须恰好一个标签，现有 {len(given)} 个")
            if scheme.kind == "multi-at-least-one" and not given:
                wrong.append(f"labels.{scheme.id} -> 此方案至少要有一个标签")
        return wrong


def load_taxonomy(path: Path) -> Taxonomy:
    """Read and check a taxonomy file; raises ConfigError with every mistake found."""
    try:
        raw = path.read_bytes()
    except OSError as e:
        raise ConfigError(
            "ZF-TAX-MISSING", f"读不到标签体系文件 {path}（{e.strerror}）", "用 --taxonomy 指定文件。"
        ) from e
    return parse_taxonomy(raw, str(path))


def parse_taxonomy(raw: bytes, where: str = "taxonomy.toml") -> Taxonomy:
    """Parse and check the bytes of a taxonomy file; raises ConfigError with every mistake found."""
    try:
        data = tomllib.loads(raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise ConfigError(
            "ZF-TAX-SYNTAX", f"标签体系文件 {where} 不是合格的 TOML", "按提示的行列改正。", [str(e)]
        ) from e
    check = _Checker()
    taxonomy = check.taxonomy(data, hashlib.sha256(raw).hexdigest())
    if check.mistakes:
        raise ConfigError(
            "ZF-TAX-INVALID",
            f"标签体系文件 {where} 有 {len(check.mistakes)} 处错误",
            "逐条改正后再运行。",
            check.mistakes,
        )
    return taxonomy


class _Checker:
    """Builds the values and notes each mistake instead of stopping at the first."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def taxonomy(self, data: Mapping[str, Any], sha256: str) -> Taxonomy:
        schemes = tuple(self.scheme(s, f"schemes[{i}]") for i, s in enumerate(self.tables(data, "schemes", "")))
        self.unique((s.id for s in schemes), "schemes", "方案")
        if not schemes:
            self.mistakes.append("schemes -> 至少要有一个方案")
        # Evidence names a label without its scheme, so ids must differ across schemes too.
        self.unique((label for s in schemes for label in s.label_ids), "labels", "标签")
        self.unknown(data, {"id", "version", "title", "negative", "schemes"}, "")
        return Taxonomy(
            self.name(data, "id"),
            self.name(data, "version"),
            self.text(data, "title", "", False),
            schemes,
            sha256,
            self.text(data, "negative", "", False),
        )

    def scheme(self, data: Mapping[str, Any], at: str) -> Scheme:
        self.unknown(data, {"id", "name", "english", "kind", "areas", "labels"}, at)
        kind = self.choice(data, "kind", at, KINDS, "multi")
        areas = tuple(
            Area(self.identifier(a, f"{at}.areas[{i}]"), self.text(a, "name", f"{at}.areas[{i}]"))
            for i, a in enumerate(self.tables(data, "areas", at))
        )
        self.unique((a.id for a in areas), f"{at}.areas", "方面")
        known = {a.id for a in areas}
        labels = tuple(self.label(v, f"{at}.labels[{i}]", known) for i, v in enumerate(self.tables(data, "labels", at)))
        if not labels:
            self.mistakes.append(f"{at}.labels -> 至少要有一个标签")
        name = self.identifier(data, at)
        if name in _TAKEN:
            self.mistakes.append(f"{at}.id -> {name!r} 已是结果里的一项，换一个名字")
        return Scheme(
            name,
            self.text(data, "name", at),
            kind,
            labels,
            areas,
            self.text(data, "english", at, False),
        )

    def label(self, data: Mapping[str, Any], at: str, areas: set[str]) -> Label:
        self.unknown(data, {"id", "name", "english", "area", "source", "definition", "includes", "excludes"}, at)
        area = self.text(data, "area", at, required=bool(areas))
        if area and area not in areas:
            self.mistakes.append(f"{at}.area -> 没有方面 {area!r}")
        return Label(
            id=self.identifier(data, at),
            name=self.text(data, "name", at),
            english=self.text(data, "english", at, False),
            area=area,
            source=self.choice(data, "source", at, SOURCES, "project"),
            definition=self.text(data, "definition", at, False),
            includes=self.texts(data, "includes", at),
            excludes=self.texts(data, "excludes", at),
        )

    def tables(self, data: Mapping[str, Any], key: str, at: str) -> list[Mapping[str, Any]]:
        value = data.get(key, [])
        if isinstance(value, list) and all(isinstance(v, dict) for v in value):
            return value
        self.mistakes.append(f"{_join(at, key)} -> 应写成 [[{_join(at, key)}]] 的表")
        return []

    def text(self, data: Mapping[str, Any], key: str, at: str, required: bool = True) -> str:
        value = data.get(key, "")
        if not isinstance(value, str):
            self.mistakes.append(f"{_join(at, key)} -> 应为文字")
            return ""
        if required and not value.strip():
            self.mistakes.append(f"{_join(at, key)} -> 不能缺")
        return value

    def texts(self, data: Mapping[str, Any], key: str, at: str) -> tuple[str, ...]:
        value = data.get(key, [])
        if isinstance(value, list) and all(isinstance(v, str) for v in value):
            return tuple(value)
        self.mistakes.append(f"{_join(at, key)} -> 应为文字的列表")
        return ()

    def identifier(self, data: Mapping[str, Any], at: str) -> str:
        value = self.text(data, "id", at)
        if value and not _ID.fullmatch(value):
            self.mistakes.append(f"{at}.id -> {value!r} 应以英文字母或数字开头，其后只用文字、数字、下划线和连字符")
        return value

    def name(self, data: Mapping[str, Any], key: str) -> str:
        value = self.text(data, key, "")
        if value.strip() and not _NAME.fullmatch(value):
            self.mistakes.append(
                f"{key} -> {value!r} 应以英文字母或数字开头，其后只用文字、数字、点、下划线和连字符，共不过 32 个字"
            )
        return value

    def choice(self, data: Mapping[str, Any], key: str, at: str, allowed: tuple[str, ...], default: str) -> str:
        value = data.get(key, default)
        if value in allowed:
            return str(value)
        self.mistakes.append(f"{_join(at, key)} -> {value!r} 不在 {'、'.join(allowed)} 之中")
        return default

    def unique(self, values: Iterable[str], at: str, what: str) -> None:
        seen: set[str] = set()
        for value in values:
            if value and value in seen:
                self.mistakes.append(f"{at} -> {what} {value!r} 出现两次")
            seen.add(value)

    def unknown(self, data: Mapping[str, Any], known: set[str], at: str) -> None:
        self.mistakes += [f"{_join(at, key)} -> 不认识这一项" for key in data if key not in known]


def _join(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key
