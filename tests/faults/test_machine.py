"""Any order of nights, re-scorings, purges, changes and crashes leaves the tables a plain model says they have."""

from __future__ import annotations

import copy
import datetime as dt
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from faults.conftest import Store, close_django
from faults.quick import Quick, saying
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from pipeline.batch.nightly import nightly
from pipeline.batch.patience import Patience
from pipeline.batch.purge import purge
from pipeline.batch.rescore import rescore
from pipeline.batch.sources import ColumnMap, Limits, open_source
from pipeline.desk.configure import open_store
from pipeline.documents import Document, Rejected, text_hash

CHUNK = 3
DAYS = dt.timedelta(days=700)
KEYS = st.sampled_from([f"k{i}" for i in range(9)])
TEXTS = st.sampled_from([f"第{i}件事没有人管" for i in range(9)])
UNITS = st.sampled_from(["某局", "某委", ""])
MODELS = st.sampled_from(["一号", "二号"])
KINDS = st.sampled_from(["night", "night", "rescoring", "purge"])
#: What is new in the inbox, changed, or has lost its text.
CHANGES = st.dictionaries(KEYS, st.one_of(st.tuples(TEXTS, UNITS), st.just((" ", "某局"))), max_size=2)
#: Which of its statements and commits a run dies at; None: it does not.
CRASHES = st.one_of(st.none(), st.integers(5, 60), st.integers(5, 25))


class CrashError(Exception):
    """The process is gone."""


@dataclass(frozen=True)
class Row:
    """A document: ``aged`` once it is old enough to go."""

    text: str
    unit: str
    purged: bool = False
    aged: bool = False


@dataclass
class Tables:
    """What the store has to hold. Dictionaries keep the order in which rows came, as row numbers do."""

    documents: dict[str, Row] = field(default_factory=dict)
    #: By key and model: the text that was scored, and whether the evidence still quotes it.
    predictions: dict[tuple[str, str], tuple[str, bool]] = field(default_factory=dict)
    #: By place and key: the raw text, and whether its run is old enough.
    rejected: dict[tuple[str, str], tuple[str, bool]] = field(default_factory=dict)

    def take(self, record: Document | Rejected, model: str) -> None:
        if isinstance(record, Rejected):
            self.rejected.setdefault((record.place, record.id), (record.raw, False))
            return
        key, text, unit = record.id, record.text, record.meta.get("unit", "")
        old = self.documents.get(key)
        if old is None or old.text != text:
            self.documents[key] = Row(text, unit)
            self.predictions[key, model] = text, True
            return
        if self.predictions.get((key, model), ("", False))[0] != text:
            self.predictions[key, model] = text, not old.purged
        if not old.purged:
            self.documents[key] = replace(old, unit=unit)

    def purge(self, key: str) -> None:
        self.documents[key] = replace(self.documents[key], purged=True)
        for (of, model), (text, _) in list(self.predictions.items()):
            if of == key:
                self.predictions[of, model] = text, False


def chunks(items: list[Any]) -> Iterator[list[Any]]:
    return (items[at : at + CHUNK] for at in range(0, len(items), CHUNK))


class Machine(RuleBasedStateMachine):
    """Drives the product on one side and ``Tables`` on the other."""

    template: Store
    runs = crashes = 0

    def __init__(self) -> None:
        super().__init__()
        self.store = self.template.copy()
        open_store(self.store.url, bring_up=False, bulk=True)
        self.folder = Path(tempfile.mkdtemp(prefix="zuofeng-machine-"))
        self.inbox: dict[str, tuple[str, str]] = {}
        self.tables = Tables()
        self.stopped = False

    def teardown(self) -> None:
        close_django()
        self.store.drop()
        shutil.rmtree(self.folder)

    @initialize(records=st.dictionaries(KEYS, st.tuples(TEXTS, UNITS), min_size=4), model=MODELS)
    def a_first_night(self, records: dict[str, tuple[str, str]], model: str) -> None:
        self.inbox = dict(records)
        self._night(model, None)

    def _two_years_pass(self) -> None:
        from pipeline.desk.models import Document as Stored
        from pipeline.desk.models import Run

        then = dt.datetime.now(dt.UTC) - 2 * DAYS
        Stored.objects.update(stored=then)
        Run.objects.update(started=then)
        self.tables.documents = {k: replace(d, aged=True) for k, d in self.tables.documents.items()}
        self.tables.rejected = {k: (raw, True) for k, (raw, _) in self.tables.rejected.items()}

    @rule(kind=KINDS, model=MODELS, crash=CRASHES, later=st.booleans(), records=CHANGES, gone=st.sets(KEYS, max_size=1))
    def a_run(
        self, kind: str, model: str, crash: int | None, later: bool, records: dict[str, tuple[str, str]], gone: set[str]
    ) -> None:
        """Records come, change and go, then something runs. One rule, so that every history has all of it."""
        self.inbox = {k: v for k, v in (self.inbox | records).items() if k not in gone}
        if kind == "night":
            self._night(model, crash)
        elif kind == "rescoring":
            self._rescoring(model, crash)
        else:
            self._purge(crash, later)
        self._view_shows_one_model_and_the_text_as_it_is(model)
        self._what_is_still_there_can_be_worked_out_again()

    def _night(self, model: str, crash: int | None) -> None:
        path = self.folder / "in.jsonl"
        lines = [{"id": k, "text": t, "承办单位": u} for k, (t, u) in self.inbox.items()]
        path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in lines), encoding="utf-8")
        records = list(open_source(path))

        def take(tables: Tables, some: list[Document | Rejected]) -> None:
            for record in some:
                tables.take(record, model)

        self._run(crash, lambda: nightly(source=str(path), columns=ColumnMap(), limits=Limits(), **self._common(model)),
                  list(chunks(records)), take, len(records))  # fmt: skip

    def _rescoring(self, model: str, crash: int | None) -> None:
        rows = [Document(k, d.text, {"unit": d.unit}) for k, d in self.tables.documents.items() if not d.purged]

        def take(tables: Tables, some: list[Document]) -> None:
            for document in some:
                tables.take(document, model)

        self._run(crash, lambda: rescore(**self._common(model)), list(chunks(rows)), take, len(rows))

    def _purge(self, crash: int | None, later: bool) -> None:
        if later:
            self._two_years_pass()
        documents = self.tables.documents
        gone = {k: None for k, d in documents.items() if d.aged and not d.purged}
        raw = {k: None for k, (raw, aged) in self.tables.rejected.items() if aged and raw}
        # What quotes a text that another has replaced goes whatever its age.
        replaced = {
            (k, model): None
            for (k, model), (text, quoted) in self.tables.predictions.items()
            if quoted and text != documents[k].text and k not in gone
        }

        def take(tables: Tables, some: list[Any]) -> None:
            for row in some:
                if row in gone:
                    tables.purge(row)
                elif row in raw:
                    tables.rejected[row] = "", tables.rejected[row][1]
                else:
                    tables.predictions[row] = tables.predictions[row][0], False

        before = dt.datetime.now(dt.UTC) - DAYS
        state = self.folder / "state"
        self._run(crash, lambda: purge(before=before, store=self.store.url, state=state, patience=Patience(0)),
                  [part for rows in (gone, raw, replaced) for part in chunks(list(rows))], take, None)  # fmt: skip

    def _common(self, model: str) -> dict[str, Any]:
        quick: Any = Quick(model)
        return {"scorer": quick, "store": self.store.url, "state": self.folder / "state", "chunk": CHUNK,
                "patience": Patience(0)}  # fmt: skip

    def _run(
        self, crash: int | None, work: Callable[[], Any], parts: list[list[Any]],
        take: Callable[[Tables, list[Any]], None], read: int | None,
    ) -> None:  # fmt: skip
        died, report, runs = False, None, self._runs()
        with dying_at(crash):
            try:
                report = work()
            except CrashError:
                died = True
        type(self).runs += 1
        type(self).crashes += died
        close_django()
        begun = self._runs() > runs
        if not died:
            # Only what stopped is continued.
            assert report.starts == 1 or self.stopped
            self.stopped = False
            for part in parts:
                take(self.tables, part)
            assert read is None or report.read == read == (
                report.new + report.changed + report.rescored + report.unchanged + report.rejected
            )
            return
        # Some whole chunks were written, and no part of another.
        found = self._found()
        self.stopped = True
        possible = copy.deepcopy(self.tables)
        for number, part in enumerate([[], *parts]):
            take(possible, part)
            # A run that was begun has as many chunks in the ledger.
            if seen(possible) == found and (not begun or self._chunks() == number):
                # Later chunks that change nothing may have been written as well: the tables are the same.
                self.tables = possible
                return
        raise AssertionError(f"no number of whole chunks gives {found}")

    def _runs(self) -> int:
        from pipeline.desk.models import Run

        return Run.objects.count()

    def _chunks(self) -> int:
        from pipeline.desk.models import Run

        return Run.objects.first().chunks.count()

    def _found(self) -> dict[str, Any]:
        from pipeline.desk.models import Document as Stored
        from pipeline.desk.models import Prediction, RejectedRecord

        documents = Stored.objects.order_by("id").values_list("key", "text", "text_hash", "unit", "purged")
        said = Prediction.objects.values_list("document__key", "model", "text_hash", "problem_score", "evidence")
        return {
            "documents": [tuple(row) for row in documents],
            "predictions": {(k, m): (h, s, e[0]["quote"]) for k, m, h, s, e in said},
            "rejected": {(p, k): raw for p, k, raw in RejectedRecord.objects.values_list("place", "key", "raw")},
        }

    @invariant()
    def the_tables_are_those_of_the_model(self) -> None:
        assert self._found() == seen(self.tables)

    @invariant()
    def only_the_last_run_may_be_open(self) -> None:
        from pipeline.desk.models import Run

        runs = list(Run.objects.order_by("serial").values_list("serial", "state"))
        assert [serial for serial, _ in runs] == list(range(1, len(runs) + 1))
        assert all(state in ("done", "died") for _, state in runs[:-1])

    def _view_shows_one_model_and_the_text_as_it_is(self, model: str) -> None:
        from pipeline.batch import store

        wanted = {
            (k, saying(model, d.text))
            for k, d in self.tables.documents.items()
            if not d.purged and self.tables.predictions.get((k, model), ("",))[0] == d.text
            if saying(model, d.text) > 0.4
        }
        assert {(d["id"], d["problem_score"]) for d in store.top_documents(model, 50)} == wanted

    def _what_is_still_there_can_be_worked_out_again(self) -> None:
        from pipeline.batch import replay

        opened: Any = Quick
        for r in replay.replay(replay.sample(1000, 1), opened):
            row = self.tables.documents[r.document]
            there = not row.purged and self.tables.predictions[r.document, r.origin["model"]][0] == row.text
            assert r.outcome is (replay.Outcome.SAME if there else replay.Outcome.IMPOSSIBLE)


def seen(tables: Tables) -> dict[str, Any]:
    """Return what ``Machine._found`` finds when the store holds ``tables``."""
    return {
        "documents": [
            (k, "" if d.purged else d.text, text_hash(d.text), d.unit, d.purged) for k, d in tables.documents.items()
        ],
        "predictions": {
            (k, m): (text_hash(text), saying(m, text), text if quoted else "")
            for (k, m), (text, quoted) in tables.predictions.items()
        },
        "rejected": {k: raw for k, (raw, _) in tables.rejected.items()},
    }


class dying_at:  # noqa: N801
    """The process dies at its nth statement or commit; a transaction that is open then is never committed."""

    def __init__(self, number: int | None) -> None:
        self._number = number
        self._count = itertools.count(1)

    def _step(self) -> None:
        if self._number is not None and next(self._count) >= self._number:
            raise CrashError

    def _execute(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self._step()
        return execute(sql, params, many, context)

    def __enter__(self) -> None:
        from django.db import connection

        self._commit = connection.commit
        connection.execute_wrappers.append(self._execute)

        def commit() -> None:
            try:
                self._step()
            except CrashError:
                connection.rollback()  # what the database does when its client is gone
                raise
            self._commit()

        connection.commit = commit

    def __exit__(self, *_: object) -> None:
        from django.db import connection

        connection.execute_wrappers.remove(self._execute)
        connection.commit = self._commit


#: Histories by kind of store; they take three times as long on a server.
HISTORIES = {"SQLite": 40, "PostgreSQL": 20}
SETTINGS = settings(
    stateful_step_count=20,
    deadline=None,
    database=None,
    derandomize="ZUOFENG_TEST_SEED" not in os.environ,
)


def test_any_history_leaves_the_tables_of_the_model(fresh: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(fresh.url)
    close_django()
    from pipeline.batch import removal

    monkeypatch.setattr(removal, "CHUNK", CHUNK)

    class OnStore(Machine):
        template = fresh

    run_state_machine_as_test(OnStore, settings=settings(SETTINGS, max_examples=HISTORIES[fresh.kind]))
    assert OnStore.crashes > 20
