import gc
import weakref

import pytest

from pipeline.batch.cycles import rarely_collecting


class Ring:
    def __init__(self):
        self.own = self


def test_cycles_are_found_though_rarely():
    before = gc.get_threshold()
    with rarely_collecting():
        ring = weakref.ref(Ring())
        kept = [[i] for i in range(50_000)]
        assert ring() is not None
        kept += [[i] for i in range(250_000)]
        assert ring() is None
    assert gc.get_threshold() == before
    assert len(kept) == 300_000


def test_python_looks_as_before_after_a_failure():
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    with pytest.raises(ValueError, match="x"), rarely_collecting():
        raise ValueError("x")
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, frozen)
