"""What a run's report names first, and how the store is asked for it."""

import pytest


@pytest.fixture
def scores(night, write_jsonl, records, scorer):
    """Gives each prediction of a night, in order, a problem score."""
    from pipeline.desk.models import Prediction

    night(write_jsonl("a.jsonl", records))

    def give(values):
        Prediction.objects.update(is_problem=True, problem_score=0.5)
        for pk, value in zip(Prediction.objects.order_by("pk").values_list("pk", flat=True), values, strict=False):
            Prediction.objects.filter(pk=pk).update(problem_score=value)

    return give


def test_the_surest_come_first_whether_there_are_many_or_few(scores, scorer):
    from pipeline.batch.store import top_documents
    from pipeline.desk.models import SURE

    surest = [SURE + n / 2000 for n in range(7)]
    scores(surest)
    for count in (2, 3, 6):  # three times as many are looked at: with three, others are asked for
        found = [d["problem_score"] for d in top_documents(scorer.bundle.id, count)]
        assert len(found) == count
        assert {*found} <= {*surest[-3 * count :]}
    scores([0.7, 0.9, 0.8])
    assert [d["problem_score"] for d in top_documents(scorer.bundle.id, 3)] == [0.9, 0.8, 0.7]


def test_what_people_have_decided_is_named_no_more(scores, scorer):
    from pipeline.batch.store import top_documents
    from pipeline.desk.tables import Case

    scores([0.7, 0.9, 0.8])
    first, *others = (d["id"] for d in top_documents(scorer.bundle.id, 3))
    Case.objects.filter(document__key=first).update(state="second")
    assert next(iter(top_documents(scorer.bundle.id, 2)))["id"] == first
    Case.objects.filter(document__key=first).update(state="done")
    assert [d["id"] for d in top_documents(scorer.bundle.id, 2)] == others


def test_the_surest_are_found_by_their_index(scores, scorer):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from pipeline.batch.store import top_documents

    scores([0.995] * 7)
    with CaptureQueriesContext(connection) as asked:
        top_documents(scorer.bundle.id, 2)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table of forty rows is read through else, and a sort costs nothing.
            cursor.execute("SET enable_seqscan = off; SET enable_sort = off")
        how = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
        cursor.execute(how + asked[0]["sql"])
        assert "prediction_by_score" in str(cursor.fetchall())
