"""The public data that figures are measured on, in a folder beside the project."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.corpus.gold import Gold
from pipeline.errors import ConfigError
from pipeline.ndarrays import Bools
from pipeline.taxonomy import Taxonomy

__all__ = [
    "LABELS",
    "join",
    "labelled_messages",
    "public_folder",
    "read_lines",
    "second_reading",
    "speed_texts",
    "tnews",
    "unlabelled_messages",
]

LABELS = "real_dev_labels.jsonl"
UNLABELLED = "teddy2020c_unlabeled.jsonl.gz"
_SPACE = re.compile(r"\s+")


def public_folder(given: Path | None, home: Path) -> Path:
    """Return the folder of public data; raises ConfigError where there is none."""
    folder = given or home.parent / "shared" / "data"
    if not (folder / LABELS).is_file():
        raise ConfigError(
            "ZF-BENCH-DATA",
            f"{folder} 里没有公开数据（{LABELS} 等）",
            "用 --public 指定目录；没有数据就量不了这一项。",
        )
    return folder


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a ``.jsonl`` or ``.jsonl.gz`` file."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def labelled_messages(folder: Path, taxonomy: Taxonomy, labels: Path | None = None) -> list[Gold]:
    """Return the labelled real messages, each a group of its own, in the order of the file of ``labels``.

    By default these are the labels beside the messages; of another file, those of messages that are there.
    """
    texts = {f"td-{r['id']}": join(r, "detail") for r in read_lines(folder / "teddy2020c_public.jsonl.gz")}
    texts |= {f"fz-{r['id']}": join(r, "text") for r in read_lines(folder / "fuzhou12345_river.jsonl.gz")}
    if labels:
        texts |= {f"td-{r['id']}": join(r, "detail") for r in read_lines(folder / UNLABELLED)}
    return [
        Gold(
            id=r["id"],
            text=texts[r["id"]],
            labels={s.id: tuple(r["labels"].get(s.id, ())) for s in taxonomy.schemes},
            group=r["id"],
        )
        for r in read_lines(labels or folder / LABELS)
        if not labels or r["id"] in texts
    ]


def second_reading(path: Path, messages: Sequence[Gold]) -> list[Gold]:
    """Return those of ``messages`` that another person labelled too, in their order, with that person's labels.

    ``path`` holds a JSON object a line, ``{"id", "labels": labels by scheme}``: the texts stay where they are.
    """
    labels = {r["id"]: r["labels"] for r in read_lines(path)}
    return [replace(m, labels={s: tuple(own) for s, own in labels[m.id].items()}) for m in messages if m.id in labels]


def unlabelled_messages(folder: Path) -> list[str]:
    """Return the messages nobody labelled."""
    return [join(r, "detail") for r in read_lines(folder / UNLABELLED)]


def speed_texts(folder: Path, most: int) -> dict[str, list[str]]:
    """Return up to ``most`` real texts of each kind, evenly taken: long messages, short tickets, headlines."""
    kinds = {
        "留言 teddy": [f"{r['title']}。{r['detail']}" for r in read_lines(folder / UNLABELLED)],
        "工单 fuzhou": [f"{r['title']}。{r['text']}" for r in read_lines(folder / "fuzhou12345_river.jsonl.gz")],
        "标题 tnews": [r["text"] for r in read_lines(folder / "tnews_dev.jsonl.gz")],
    }
    return {name: texts[:: -(-len(texts) // most)] for name, texts in kinds.items()}


def tnews(folder: Path) -> tuple[list[str], list[str], Bools]:
    """Return the classes of the TNEWS headlines, the texts to learn from, and which class each has."""
    rows = list(read_lines(folder / "tnews_train.jsonl.gz"))
    names = sorted({r["label"] for r in rows})
    return names, [r["text"] for r in rows], np.array([[r["label"] == n for n in names] for r in rows])


def join(record: Mapping[str, Any], body: str) -> str:
    """Return title and ``body`` of a message as one text without white space."""
    return _SPACE.sub("", f"{record['title']}。{record[body]}")
