import pytest
from django.db import OperationalError, connection, transaction

from pipeline.batch.patience import Patience
from pipeline.desk.configure import open_store
from pipeline.errors import UnfinishedError


def test_a_transaction_that_what_failed_left_open_is_forgotten(store):
    open_store(store)
    inside = []

    def work():
        from pipeline.desk.models import Run

        inside.append(connection.in_atomic_block)
        if len(inside) == 1:
            # As Django's schema editor does when its deferred statements fail.
            transaction.atomic().__enter__()
            raise OperationalError("the connection is closed")
        return Run.objects.count()

    assert Patience(5, longest_pause=0.01).run(work) == 0
    assert inside == [False, False]


def test_what_waiting_does_not_mend_is_said_and_leaves_nothing_open(store):
    open_store(store)

    def work():
        transaction.atomic().__enter__()
        raise OperationalError("the connection is closed")

    with pytest.raises(UnfinishedError, match="仍不可用"):
        Patience(0.05, longest_pause=0.01).run(work)
    assert not connection.in_atomic_block
