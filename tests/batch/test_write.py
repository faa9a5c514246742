import datetime as dt

import pytest


def everything():
    """Every place in the queue, its labels and its signature, by the document's number."""
    from pipeline.desk.models import Case, CaseLabel, Signature

    places = {
        case.pop("document__key"): case
        for case in Case.objects.order_by("pk").values(
            "document__key", "state", "priority", "uncertainty", "reasons", "prediction", "run", "serial", "text_hash",
            "purged", "blind", "group", "against", "document",
        )
    }  # fmt: skip
    labels = sorted(CaseLabel.objects.values_list("case__document__key", "label", "by_people"))
    signed = sorted(
        (key, digest, algorithm, bytes(values))
        for key, digest, algorithm, values in Signature.objects.values_list(
            "case__document__key", "text_hash", "algorithm", "values"
        )
    )
    return places, labels, signed


def forget_everything():
    from pipeline.desk.models import Case, CaseLabel, Signature

    for table in (CaseLabel, Signature, Case):
        table.objects.all().delete()


def test_what_a_night_writes_at_once_is_what_bringing_up_makes_of_it(night, store, write_jsonl, records):
    """The same texts in several chunks and several times: counts of the same text are those of the whole night."""
    same = [{"id": f"同{i}", "text": records[3]["text"]} for i in range(11)]
    twice = [{"id": "另", "text": records[30]["text"]}]
    night(write_jsonl("a.jsonl", [*records[:20], *same, *records[20:], *twice]))
    from pipeline.desk import search
    from pipeline.desk.cases import take_in

    assert search.bring_up() == 0
    at_once = everything()
    assert len(at_once[0]) == len(records) + 12
    assert ["另有 11 件同文", 20] in at_once[0][records[3]["id"]]["reasons"]
    assert sum(case["group"] is not None for case in at_once[0].values()) >= 14
    forget_everything()
    assert take_in() == len(at_once[0])
    assert everything() == at_once


def test_a_later_night_weighs_its_own_and_leaves_the_old(night, store, write_jsonl, records):
    night(write_jsonl("a.jsonl", records[:5]))
    before = everything()[0]
    night(write_jsonl("b.jsonl", [{"id": f"又{i}", "text": records[0]["text"]} for i in range(9)]))
    after = everything()[0]
    group = after[records[0]["id"]].pop("group")
    assert group == after["又8"]["group"]
    before[records[0]["id"]].pop("group")
    assert {k: after[k] for k in before} == before
    assert all(["另有 9 件同文", 20] in after[f"又{i}"]["reasons"] for i in range(9))


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_numbers_that_come_twice_in_a_chunk_are_one_document(scorer, store, records):
    """A table without a key may bring a number twice: the last one stands, as if they had come one after the other."""
    from pipeline.batch.entry import enter
    from pipeline.desk.configure import open_store
    from pipeline.documents import Document

    open_store(store)
    from django.db import transaction

    from pipeline.batch.write import write_chunk
    from pipeline.desk.cases import take_in
    from pipeline.desk.models import Case, Run
    from pipeline.desk.models import Document as Row

    now = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
    run = Run.objects.create(id="r", serial=1, source="in", model=scorer.bundle.id, started=now)
    documents = [Document("一", records[0]["text"]), Document("二", "甲"), Document("一", records[1]["text"])]
    about = dict.fromkeys(("taxonomy", "segmenter", "dictionary", "thresholds"), "x")
    scored = list(zip(documents, enter(documents, scorer.score(documents)), strict=True))
    with transaction.atomic():
        write_chunk(run, documents, scored, about)
    assert dict(Row.objects.values_list("key", "text")) == {"一": records[1]["text"], "二": "甲"}
    assert take_in(scorer.bundle.id) == 1
    assert Case.objects.get(document__key="一").text_hash == documents[2].text_hash


@pytest.mark.parametrize("count", [1, 3])
def test_numbers_are_reserved_behind_those_that_are_there(store, count):
    from pipeline.desk.configure import open_store

    open_store(store)
    from django.db import connection, transaction

    from pipeline.desk.models import Document, Run
    from pipeline.desk.upsert import insert, reserve

    Run.objects.create(id="r", serial=1, source="in", model="m", started="2026-09-01T00:00:00Z")

    def add():
        with transaction.atomic():
            ids = list(reserve(Document, count))
            names = ["id", "key", "text", "text_hash", "title", "received", "unit", "channel", "district", "place",
                     "purged", "stored", "run"]  # fmt: skip
            stored = connection.ops.adapt_datetimefield_value(dt.datetime(2026, 9, 1, tzinfo=dt.UTC))
            rows = [(i, f"k{i}", "文", "h", *[""] * 6, False, stored, "r") for i in ids]
            insert(Document, names, rows)
        return ids

    first, second = add(), add()
    assert first == sorted(set(first))
    assert min(second) > max(first)
    own = Document.objects.create(key="own", text="文", text_hash="h", run_id="r")
    assert own.pk > max(second)
    Document.objects.filter(pk__gte=min(second)).delete()
    assert min(add()) > own.pk
