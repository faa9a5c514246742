import pytest

from pipeline.errors import ConfigError
from pipeline.taxonomy import load_taxonomy, parse_taxonomy

GOOD = """
id = "mine"
version = "3"
[[schemes]]
id = "topic"
name = "主题"
kind = "exclusive"
[[schemes.labels]]
id = "water"
name = "供水"
[[schemes.labels]]
id = "road"
name = "道路"
"""


def test_the_projects_schemes_have_the_promised_sizes(taxonomy):
    assert {s.id: len(s.labels) for s in taxonomy.schemes} == {"categories": 7, "types": 12}
    assert all(label.definition and label.includes for s in taxonomy.schemes for label in s.labels)
    assert all(label.area in {a.id for a in s.areas} for s in taxonomy.schemes for label in s.labels)


def test_another_scheme_loads_with_its_own_columns():
    assert parse_taxonomy(GOOD.encode()).columns == (("topic", "water"), ("topic", "road"))


def test_all_mistakes_are_reported_together():
    bad = GOOD.replace('version = "3"', 'version = ""\ncolour = "red"').replace('kind = "exclusive"', 'kind = "some"')
    bad = bad.replace('id = "road"', 'id = "water"').replace('name = "道路"', 'area = "nowhere"')
    with pytest.raises(ConfigError) as e:
        parse_taxonomy(bad.encode())
    text = str(e.value)
    for expected in ("version", "colour", "'some'", "'water' 出现两次", "labels[1].name", "'nowhere'"):
        assert expected in text


def test_broken_toml_and_a_missing_file_are_configuration_errors(tmp_path):
    with pytest.raises(ConfigError, match="TOML"):
        parse_taxonomy(b"id = ")
    with pytest.raises(ConfigError, match="读不到"):
        load_taxonomy(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("labels", "count"),
    [
        ({"topic": ["water"]}, 0),
        ({"topic": []}, 1),
        ({"topic": ["water", "road"]}, 1),
        ({"topic": ["fire"], "other": []}, 2),
        ({"topic": "water"}, 1),
        (["water"], 1),
    ],
)
def test_labels_of_a_gold_record_are_checked_against_the_schemes(labels, count):
    assert len(parse_taxonomy(GOOD.encode()).check_labels(labels)) == count


def test_changing_a_byte_changes_the_hash(corpora):
    raw = (corpora / "taxonomy.toml").read_bytes()
    assert parse_taxonomy(raw).sha256 != parse_taxonomy(raw + b"\n").sha256
