"""Every row of a store, comparable between two stores: no row numbers, no times, runs by their order."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import sqlalchemy as sa

Rows = dict[str, Counter[str]]

_TABLES = {
    "document": "SELECT key, text, text_hash, title, received, unit, channel, district, place, purged, run_id"
    " FROM zuofeng_document",
    "prediction": "SELECT d.key, p.model, p.taxonomy, p.segmenter, p.dictionary, p.thresholds, p.text_hash,"
    " p.is_problem, p.problem_score, p.review, p.decided, p.scores, p.evidence, p.run_id"
    " FROM zuofeng_prediction p JOIN zuofeng_document d ON d.id = p.document_id",
    "rejected": "SELECT fingerprint, key, place, code, reason, raw, run_id FROM zuofeng_rejected",
    "chunk": "SELECT source, number, state, fingerprint, mark, reason, first, last, counts, run_id FROM zuofeng_chunk",
    "shadow score": "SELECT d.key, s.beside, s.text_hash, s.decided, s.scores, s.run_id"
    " FROM zuofeng_shadow_score s JOIN zuofeng_document d ON d.id = s.document_id",
    "shadow night": "SELECT texts, flips, run_id FROM zuofeng_shadow_night",
    "shadow draw": "SELECT d.key, s.flip, s.probability, s.run_id"
    " FROM zuofeng_shadow_draw s JOIN zuofeng_document d ON d.id = s.document_id",
    "run": "SELECT kind, source, model, plan, state, reason, counts, id FROM zuofeng_run",
}
_JSON = ("decided", "scores", "evidence", "counts", "mark", "plan")
_TRUTH = ("is_problem", "review", "purged")


def engine(url: str) -> sa.Engine:
    """Return an engine for a store's URL that keeps no connection open."""
    return sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)


def dump(url: str, *, runs: int | None = None, content: bool = False) -> Rows:
    """Return the rows of each table as sorted JSON texts; of runs and chunks only the first ``runs`` runs.

    With ``content`` only documents, predictions and rejected records, whichever run brought them.
    """
    found: Rows = {}
    with engine(url).connect() as connection:
        order = list(connection.execute(sa.text("SELECT id FROM zuofeng_run ORDER BY serial")).scalars())
        names = {run: number for number, run in enumerate(order, 1)}
        for table, query in _TABLES.items():
            rows = [_plain(dict(r), names) for r in connection.execute(sa.text(query)).mappings()]
            if content:
                rows = [{k: v for k, v in r.items() if k != "run"} for r in rows]
            elif runs is not None and table in ("run", "chunk"):
                rows = [r for r in rows if r["run"] <= runs]
            found[table] = Counter(json.dumps(r, ensure_ascii=False, sort_keys=True) for r in rows)
    return {t: found[t] for t in ("document", "prediction", "rejected")} if content else found


def _plain(row: dict[str, Any], runs: dict[str, int]) -> dict[str, Any]:
    row["run"] = runs[row.pop("run_id", None) or row.pop("id")]
    for name in row.keys() & set(_JSON):
        row[name] = json.loads(row[name]) if isinstance(row[name], str) else row[name]
    for name in row.keys() & set(_TRUTH):
        row[name] = bool(row[name])
    return row


def missing(expected: Rows, found: Rows) -> int:
    """Return how many rows of ``expected`` are not in ``found``."""
    return sum((expected[t] - found[t]).total() for t in expected)


def doubled(expected: Rows, found: Rows) -> int:
    """Return how many rows of ``found`` are not in ``expected``."""
    return sum((found[t] - expected[t]).total() for t in expected)
