import pytest
from desk.stores import both_stores

from pipeline.desk.among import among
from pipeline.desk.models import Document


@both_stores
@pytest.mark.parametrize(
    ("column", "keys"), [("key", ["D001", "D003", "没有的"]), ("key", []), ("pk", [1, 3, 2**62]), ("pk", [])]
)
def test_rows_among_some_are_those_and_no_others(desk, column, keys):
    every = set(Document.objects.values_list(column, flat=True))
    among_them = set(Document.objects.filter(among(keys, column)).values_list(column, flat=True))
    assert among_them == every & set(keys)
    assert set(Document.objects.exclude(among(keys, column)).values_list(column, flat=True)) == every - among_them
