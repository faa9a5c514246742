import itertools

from hypothesis import given
from hypothesis import strategies as st

from pipeline.batch.worker import CHARACTERS, Bounds, Worker
from pipeline.documents import Document


class Counting(Worker):
    """Answers with what it was asked and remembers the lots."""

    def _ask(self, documents):
        self.lots = [*getattr(self, "lots", []), documents]
        return documents


@given(
    st.lists(st.sampled_from([0, 1, 400, CHARACTERS // 2, CHARACTERS, CHARACTERS + 1]), max_size=20), st.integers(1, 7)
)
def test_every_document_is_sent_once_in_lots_that_are_not_too_large(lengths, batch):
    documents = [Document(str(i), "字" * n) for i, n in enumerate(lengths)]
    worker = Counting(None, Bounds(), batch=batch)
    assert worker.score(documents) == documents
    lots = getattr(worker, "lots", [])
    assert all(1 <= len(lot) <= batch for lot in lots)
    assert all(len(lot) == 1 or sum(len(d.text) for d in lot) <= CHARACTERS for lot in lots)
    # None could have taken the next document too.
    for lot, after in itertools.pairwise(lots):
        more = [*lot, after[0]]
        assert len(more) > batch or sum(len(d.text) for d in more) > CHARACTERS
