import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.text.clean import clean
from pipeline.text.segment import PIECE, JiebaSegmenter, RjiebaSegmenter, dictionary_hash, load_dictionary


@pytest.fixture(scope="module")
def engines(words):
    return RjiebaSegmenter(words), JiebaSegmenter(words)


def test_the_engine_equals_the_reference_on_prose(engines, draw):
    texts = [clean(g.text).text for g in draw(600)]
    fast, reference = (e.cut(texts) for e in engines)
    assert fast == reference


@given(st.lists(st.text(max_size=50), max_size=4))
def test_words_joined_are_the_text_again(engines, texts):
    texts = [clean(t).text for t in texts]
    assert ["".join(cut) for cut in engines[0].cut(texts)] == texts


def test_domain_words_stay_whole(engines):
    text = "慢作为的干部没人管"
    assert engines[0].cut([text])[0] == ["慢作为", "的", "干部", "没人管"]
    assert "慢作为" not in RjiebaSegmenter({}).cut([text])[0]


def test_models_of_one_dictionary_share_an_engine_and_those_of_another_none(words):
    mine, same, other = (RjiebaSegmenter(w)._engine for w in (words, dict(words), {**words, "镬锓甏": 5}))
    assert mine is same is not other
    assert (other.cut("镬锓甏", False), mine.cut("镬锓甏", False)) == (["镬锓甏"], [*"镬锓甏"])


def test_a_text_longer_than_a_piece_is_cut_whole(engines):
    text = "反映道路问题" * (PIECE // 6 + 10)
    assert "".join(engines[0].cut([text])[0]) == text


def test_bad_dictionary_lines_are_reported_together(tmp_path):
    path = tmp_path / "d.txt"
    path.write_text("# 注释\n踢皮球 3000\n一个词\n走过场 零\n踢皮球 1\n", encoding="utf-8")
    with pytest.raises(ConfigError) as e:
        load_dictionary(path)
    assert [d.split(" ")[1] for d in e.value.details] == ["3", "4", "5"]
    with pytest.raises(ConfigError):
        load_dictionary(tmp_path / "none.txt")


def test_a_dictionary_is_read_as_editors_of_windows_save_it(tmp_path):
    path = tmp_path / "d.txt"
    for text in ("踢皮球 3000\n", "# 注释 一 二\n踢皮球 3000\n"):
        path.write_text(text, encoding="utf-8-sig")
        assert load_dictionary(path) == {"踢皮球": 3000}
        path.write_text(text, encoding="gb18030")
        with pytest.raises(ConfigError, match="UTF-8") as e:
            load_dictionary(path)
        assert e.value.code == "ZF-DICT-INVALID"


def test_the_hash_ignores_the_order_of_lines_and_nothing_else():
    assert dictionary_hash({"甲": 1, "乙": 2}) == dictionary_hash({"乙": 2, "甲": 1})
    assert dictionary_hash({"甲": 1}) != dictionary_hash({"甲": 2})


@pytest.mark.parametrize("first", ["segmenter", "package"])
def test_the_engine_is_that_of_its_package_which_makes_none_of_its_own(first):
    """In a new process: whoever imported first, both work, and only the package's import makes a second engine."""
    ours = "RjiebaSegmenter({'慢作为': 5}); print('rjieba' in sys.modules)"
    theirs = "import rjieba; print(rjieba.cut('慢作为', False))"
    told = "print(ours.cut(['慢作为']), type(ours._engine) is rjieba.Jieba)"
    lines = [f"ours = {ours}", theirs] if first == "segmenter" else [theirs, f"ours = {ours}"]
    code = "\n".join(["import sys", "from pipeline.text.segment import RjiebaSegmenter", *lines, told])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said = ["False", "['慢', '作为']"] if first == "segmenter" else ["['慢', '作为']", "True"]
    assert done.stdout.splitlines() == [*said, "[['慢作为']] True"]
