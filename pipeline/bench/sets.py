"""Other people's label schemes: public sets as the corpus and taxonomy of a home of their own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.bench.public import join, read_lines
from pipeline.errors import ConfigError

__all__ = ["SETS", "PublicSet", "missing_sets", "write_home"]

#: Of ten documents so many are trained on, where a set brings no split of its own.
TRAIN_TENTHS = 7


@dataclass(frozen=True, slots=True)
class PublicSet:
    """Where a set's texts are. ``files`` come with the part they are, or with none: then documents are split by hash.

    ``peer`` names the best of the usual pipelines on it.
    """

    name: str
    kind: str
    files: Mapping[str, str]
    peer: str

    def records(self, folder: Path) -> Iterator[dict[str, Any]]:
        """Yield gold records without label ids: id, text, group, part, names of labels."""
        for name, part in self.files.items():
            for r in read_lines(folder / name):
                group = str(r.get("doc") or r["id"])
                labels = r["labels"] if "labels" in r else [r["label"]]
                text = r["text"] if "text" in r else join(r, "detail")
                own = part or ("train" if _tenth(group) < TRAIN_TENTHS else "test")
                yield {"id": f"{own}-{r['id']}", "text": text, "group": group, "part": own, "labels": labels}


def _cail(name: str) -> PublicSet:
    return PublicSet(name, "multi", {f"cail2019_{name}.jsonl.gz": ""}, "words and chars")


SETS = {
    s.name: s
    for s in (
        PublicSet("teddy", "exclusive", {"teddy2020c_public.jsonl.gz": ""}, "hashed chars"),
        PublicSet("tnews", "exclusive", {"tnews_train.jsonl.gz": "train", "tnews_dev.jsonl.gz": "test"}, "chars"),
        PublicSet(
            "duee",
            "multi-at-least-one",
            {"duee_event_train.jsonl.gz": "train", "duee_event_test.jsonl.gz": "test"},
            "words and chars",
        ),
        *map(_cail, ("divorce", "labor", "loan")),
    )
}


def missing_sets(folder: Path, names: list[str]) -> None:
    """Raise ConfigError when files of the sets ``names`` are not in ``folder``."""
    absent = [f for n in names for f in SETS[n].files if not (folder / f).is_file()]
    if absent:
        raise ConfigError(
            "ZF-BENCH-DATA",
            f"{folder} 里缺少公开数据 {len(absent)} 个文件",
            "用 --public 指定目录；没有数据就量不了这一项。",
            absent,
        )


def write_home(given: PublicSet, data: Path, home: Path) -> None:
    """Write a home below ``home``: the set's scheme, its texts in their parts, an empty dictionary."""
    records = list(given.records(data))
    names = sorted({name for r in records for name in r["labels"]})
    ids = {name: f"l{i:02d}" for i, name in enumerate(names)}
    corpora = home / "corpora"
    (corpora / "gold").mkdir(parents=True)
    lines = [f'id = "{given.name}"', 'version = "1"', f'title = "{given.name}"', "", "[[schemes]]", 'id = "main"',
             'name = "标签"', f'kind = "{given.kind}"']  # fmt: skip
    for name, label in ids.items():
        lines += ["", "[[schemes.labels]]", f'id = "{label}"', f"name = {json.dumps(name, ensure_ascii=False)}"]
    (corpora / "taxonomy.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (corpora / "dictionary.txt").write_text("", encoding="utf-8")
    with (corpora / "gold" / "texts.jsonl").open("w", encoding="utf-8") as out:
        for r in records:
            labels = {"main": [ids[name] for name in r["labels"]]}
            out.write(json.dumps({**r, "labels": labels}, ensure_ascii=False) + "\n")


def _tenth(document: str) -> int:
    return int(hashlib.sha256(document.encode()).hexdigest(), 16) % 10
