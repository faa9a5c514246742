"""A store of an older version, with what was in it, is brought up."""

import datetime as dt

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from pipeline.desk.configure import migrate, open_store
from pipeline.desk.models import Document, Prediction
from pipeline.desk.tables import CaseLabel, Note, Tally, User
from pipeline.desk.talk import told
from pipeline.text.near import ALGORITHM

NOW = dt.datetime(2026, 9, 1, 2, tzinfo=dt.UTC)


def as_of(name):
    """Bring the store up to one migration of the desk; return its models as they were then."""
    executor = MigrationExecutor(connection)
    connection.disable_constraint_checking()
    executor.migrate([("desk", name), *(n for n in executor.loader.graph.leaf_nodes() if n[0] != "desk")])
    connection.enable_constraint_checking()
    return executor.loader.project_state([("desk", name)]).apps


def stored(apps, number, labels, algorithm):
    """Store a document with its score and its place, as a night of then did."""
    run, _ = apps.get_model("desk", "Run").objects.get_or_create(id="r", source="in", model="m", started=NOW)
    document = apps.get_model("desk", "Document").objects.create(key=f"D{number}", text="路灯坏了。", run=run)
    said = apps.get_model("desk", "Prediction").objects.create(
        document=document, run=run, model="m", taxonomy="t", segmenter="s", dictionary="d", text_hash="h",
        is_problem=True, problem_score=0.75, review=False, decided={"types": [{"id": i, "score": 0.5} for i in labels]},
        scores={"types": {"a": 0.5, "b": 1e-06}}, evidence=[{"label": "a", "quote": "“灯”\n\\", "weight": 0.25}],
    )  # fmt: skip
    case = apps.get_model("desk", "Case").objects.create(document=document, prediction=said, run="r", text_hash="h")
    for label in labels:
        apps.get_model("desk", "CaseLabel").objects.create(case=case, label=label, by_people=label == "b")
    apps.get_model("desk", "Signature").objects.create(case=case, text_hash="h", algorithm=algorithm, values=b"1234")


def test_a_store_from_before_the_night_wrote_less_keeps_what_it_holds(bare_store):
    open_store(bare_store, bring_up=False)

    apps = as_of("0017_less_to_write")
    stored(apps, 1, ["b", "a"], ALGORITHM)
    stored(apps, 2, [], f"{ALGORITHM} new")
    stored(apps, 3, ["a"], ALGORITHM)
    migrate()
    first, second, third = Document.objects.order_by("pk")
    assert [*CaseLabel.objects.order_by("case", "label").values_list("case_id", "label", "by_people")] == [
        (first.pk, "a", False), (first.pk, "b", True), (third.pk, "a", False),
    ]  # fmt: skip
    said = Prediction.objects.get(document=first)
    assert said.decided == {"types": [{"id": "b", "score": 0.5}, {"id": "a", "score": 0.5}]}
    assert said.scores == {"types": {"a": 0.5, "b": 1e-06}}
    assert said.evidence == [{"label": "a", "quote": "“灯”\n\\", "weight": 0.25}]
    # All but the second were compared; its signature says so itself.
    assert Tally.objects.get(name="compared").data == third.pk
    CaseLabel.objects.create(case_id=second.pk, label="b")
    assert second.case.labels.get().label == "b"


def test_the_guard_against_emptying_a_table_can_be_taken_off_and_put_back(store):
    open_store(store, bring_up=False)

    def guards():
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'zuofeng_%%_no_truncate'")
            return cursor.fetchone()[0]

    postgres = connection.vendor == "postgresql"
    assert not postgres or guards() == 4
    for name, wanted in (("0018_night_writes_less", 0), ("0019_no_truncate", 4)):
        as_of(name)
        assert not postgres or guards() == wanted


def test_nobody_is_told_of_answers_from_before_the_desk_told_of_them(store):
    open_store(store, bring_up=False)

    apps = as_of("0019_no_truncate")
    one, two = (User.objects.create_user(name, "x", role="reviewer") for name in ("one", "two"))
    stored(apps, 1, [], ALGORITHM)
    document = Document.objects.get()
    for by, to, text in ((two, None, "先说一句"), (one, two, "算吗？"), (two, None, "算"), (two, one, "您说呢？")):
        Note.objects.create(document=document, by=by, to=to, text=text)
    migrate()
    assert (told(one), told(two)) == ({"asked": 1, "answered": 0}, {"asked": 0, "answered": 0})
    Note.objects.create(document=document, by=two, text="再说一句")
    assert told(one)["answered"] == 1
