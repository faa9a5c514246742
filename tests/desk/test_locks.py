"""Whoever writes several rows comes to them in one order: nobody waits for somebody who waits for him."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from desk.stores import apart, comes_to_wait, on_postgres
from django.db import transaction

from pipeline.batch.removal import _documents
from pipeline.desk.accounts import change_account
from pipeline.desk.cases import _stored, _write
from pipeline.desk.decide import decide
from pipeline.desk.groups import _join, _sign
from pipeline.desk.models import Document
from pipeline.desk.queue import hold, release
from pipeline.desk.search import index
from pipeline.desk.second_opinion import look_on
from pipeline.desk.tables import AuditHead, Case, CaseLabel, Indexed, Signature


@pytest.fixture
def pair(desk):
    """Two cases with one text, held by the reviewer."""
    for key in ("S1", "S2"):
        desk.add(key, "同一段话，窗口让我跑了五趟，打12345热线没人接", title=key)
        hold(desk.user("reviewer"), desk.case(key))
    return desk.case("S1").pk, desk.case("S2").pk


def decides(desk, pair):
    case, who = desk.case("S2"), desk.user("reviewer")
    said = {"action": "reject", "labels": (), "text_hash": case.text_hash, "together": True}
    return lambda: decide(user=who, document=case.pk, **said)


def gives_back(desk, pair):
    return partial(release, desk.user("reviewer"))


def switches_off(desk, pair):
    return partial(change_account, desk.user("reviewer"), role="reviewer", active=False)


def joins(desk, pair):
    from scipy.cluster.hierarchy import DisjointSet

    Case.objects.update(group=None)
    together = DisjointSet(reversed(pair))
    together.merge(*pair)
    return partial(_join, together)


def signs(desk, pair):
    Signature.objects.filter(case__in=pair).update(text_hash="of another text")
    return _sign


def takes_in(desk, pair):
    said = _stored(list(Case.objects.filter(pk__in=pair).values_list("prediction_id", flat=True)))
    return transaction.atomic(partial(_write, said[::-1]))


def looks_on(desk, pair):
    path = desk.settings.home / "corpora" / "rules.toml"
    path.write_text(f'[[rule]]\nlabel = "{desk.columns[5][1]}"\nphrases = ["打12345热线没人接"]\n', encoding="utf-8")
    return look_on


def looks_again(desk, pair):
    Case.objects.filter(pk__in=pair).update(against=1)
    return looks_on(desk, pair)


def purges(desk, pair):
    return transaction.atomic(partial(_documents, pair))


WRITERS = (decides, gives_back, switches_off, joins, signs, takes_in, looks_on, looks_again, purges)


@contextlib.contextmanager
def waiting_for(rows, write):
    """Hold ``rows`` while another connection writes and comes to wait for them."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            list(rows.select_for_update(no_key=True))
            written = pool.submit(apart(write))
            assert comes_to_wait(written), "did not come to these rows"
            yield
        written.result()


@on_postgres
@pytest.mark.parametrize("writer", WRITERS, ids=lambda w: w.__name__)
def test_who_waits_for_a_case_holds_none_behind_it_nor_the_trail(desk, pair, writer):
    first, second = pair
    write = writer(desk, pair)
    # On disk the second one stands before the first.
    Case.objects.filter(pk=first).update(uncertainty=1)
    with waiting_for(Case.objects.filter(pk=first), write):
        for rows in (Case.objects.filter(pk=second), CaseLabel.objects.filter(case=second), AuditHead.objects):
            list(rows.select_for_update(nowait=True))


@on_postgres
def test_who_purges_waits_for_who_indexes_and_not_the_other_way_round(desk, pair):
    Indexed.objects.filter(document__in=pair).update(text_hash="of another text")
    with waiting_for(Document.objects.filter(pk=pair[0]), purges(desk, pair)):
        index(pair)
    assert not Indexed.objects.filter(document__in=pair).exists()


@on_postgres
def test_who_decides_need_not_wait_for_who_indexes(desk, pair):
    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        index(pair)
        pool.submit(apart(decides(desk, pair))).result(timeout=20)
