import re

import pytest

from pipeline.batch.tables.fields import Fields
from pipeline.documents import Document
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


def test_the_columns_of_every_scheme_stand_together(taxonomy):
    assert [block for _, block in taxonomy.blocks] == [slice(0, 7), slice(7, 19)]
    assert all({s for s, _ in taxonomy.columns[block]} == {scheme.id} for scheme, block in taxonomy.blocks)


def test_all_mistakes_are_reported_together():
    bad = GOOD.replace('version = "3"', 'version = ""\ncolour = "red"').replace('kind = "exclusive"', 'kind = "some"')
    bad = bad.replace('id = "road"', 'id = "water"').replace('name = "道路"', 'area = "nowhere"')
    with pytest.raises(ConfigError) as e:
        parse_taxonomy(bad.encode())
    text = str(e.value)
    for expected in ("version", "colour", "'some'", "'water' 出现两次", "labels[1].name", "'nowhere'"):
        assert expected in text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "mine"', 'id = "../../x"', "id -> '../../x' 应以"),
        ('id = "mine"', 'id = ".mine"', "id -> '.mine'"),
        ('version = "3"', 'version = "2024/08"', "version -> '2024/08'"),
        ('version = "3"', f'version = "{"3" * 33}"', "version -> "),
        ('id = "road"', 'id = "噪音"', "schemes[0].labels[1].id -> '噪音' 应以英文字母或数字开头"),
        ('id = "road"', 'id = "road.1"', "schemes[0].labels[1].id -> 'road.1'"),
    ],
)
def test_what_names_folders_and_columns_is_checked_before_a_training(old, new, said):
    assert old in GOOD
    with pytest.raises(ConfigError) as e:
        parse_taxonomy(GOOD.replace(old, new).encode())
    (mistake,) = e.value.details
    assert mistake.startswith(said)


@pytest.mark.parametrize(("name", "version"), [("mine", "2024.08-rc_1"), ("3rd-一件事", "1.0.0")])
def test_usual_names_and_versions_are_accepted(name, version):
    raw = GOOD.replace('"mine"', f'"{name}"').replace('"3"', f'"{version}"')
    found = parse_taxonomy(raw.encode())
    assert (found.id, found.version) == (name, version)


def test_no_scheme_hides_another_part_of_a_prediction(scorer):
    said = scorer.score([Document("1", "停水三天")])[0].to_dict()
    fields = Fields(scorer.bundle.taxonomy).default
    own = {s.id for s in scorer.bundle.taxonomy.schemes}
    for taken in {*said, *fields} - own:
        with pytest.raises(ConfigError, match=f"schemes\\[0\\].id -> '{taken}' 已是结果里的一项"):
            parse_taxonomy(GOOD.replace('id = "topic"', f'id = "{taken}"').encode())


def test_the_scheme_in_the_analysts_guide_is_one(corpora, tmp_path):
    guide = (corpora.parent / "docs" / "分析员.md").read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_text(next(b for b in re.findall("```toml\n(.*?)```", guide, re.S) if "schemes" in b))
    (scheme,) = load_taxonomy(tmp_path / "own.toml").schemes
    assert scheme.label_ids == ("road", "water")


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
