"""Any number of messages as long as real ones, put together from the corpus's own sentences: a load, not a test."""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

__all__ = ["QUANTILES", "messages", "sentences_of", "write_messages"]

#: Lengths in characters of 9,307 real messages to a local government, at these shares of them (mean 370).
QUANTILES = (
    (0.0, 19), (0.05, 66), (0.1, 85), (0.2, 115), (0.3, 144), (0.4, 177), (0.5, 219), (0.6, 277), (0.7, 356),
    (0.8, 488), (0.9, 804), (0.95, 1205), (0.99, 2421), (1.0, 9024),
)  # fmt: skip
_SENTENCE = re.compile(r"[^。！？]+[。！？]?")
_HEADS = ("工单编号", "来电内容", "承办单位", "受理时间")
_BATCH = 10_000


def sentences_of(texts: Sequence[str]) -> list[str]:
    """Return the sentences of ``texts``."""
    return [s for t in texts for s in _SENTENCE.findall(t)]


def messages(count: int, sentences: Sequence[str]) -> Iterator[tuple[str, str, str, str]]:
    """Yield ``count`` rows of number, text, unit and day, always the same."""
    dice = random.Random(0)  # noqa: S311  a load is no secret
    shares, lengths = zip(*QUANTILES, strict=True)
    for number in range(count):
        wanted = int(np.interp(dice.random(), shares, lengths))
        text = ""
        while len(text) < wanted:
            text += sentences[int(dice.random() * len(sentences))]
        yield f"L{number}", text[:wanted], f"第{number % 50}局", f"2026-03-{number % 28 + 1:02d}"


def write_messages(path: Path, count: int, sentences: Sequence[str]) -> None:
    """Write ``messages`` into a .csv or .parquet file, never more than a batch in memory."""
    rows = messages(count, sentences)
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(_HEADS)
            writer.writerows(rows)
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.string()) for name in _HEADS])
    with pq.ParquetWriter(path, schema) as out:
        for start in range(0, count, _BATCH):
            some = [next(rows) for _ in range(min(_BATCH, count - start))]
            columns = [pa.array(values) for values in zip(*some, strict=True)]
            out.write_table(pa.table(columns, schema=schema))
