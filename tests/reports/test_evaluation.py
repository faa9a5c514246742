import pytest
from defusedxml import ElementTree

from pipeline.analyst.diagnosis import diagnose
from pipeline.reports.evaluation import write_evaluation
from pipeline.reports.markdown import markdown
from pipeline.reports.page import Chart, Note, Table


@pytest.fixture(scope="module")
def found(scorer, strangers):
    return diagnose(scorer, strangers[::80], rounds=10)


def test_page_and_markdown_say_the_same(found, taxonomy, tmp_path):
    page = write_evaluation(found, tmp_path / "out", "没有算说法")
    html, text = page.read_text(encoding="utf-8"), (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    for label, row in found.figures["labels"].items():
        assert taxonomy.label(label).name in text
        said = "{:.3f} [{:.3f}, {:.3f}]".format(*row["f1"])
        assert said in html
        assert said.replace("[", r"\[").replace("]", r"\]") in text
    pictures = sorted(p.name for p in (tmp_path / "out").glob("*.svg"))
    assert len(pictures) == html.count("<figure>") == 5
    for name in pictures:
        assert f"]({name})" in text
        assert len(ElementTree.parse(tmp_path / "out" / name).getroot().findall(".//{*}path")) > 10
    for m in found.mistakes[:3]:
        assert m.id in html
    assert "<script" not in html
    assert ("没有算说法" in html, "没有算说法" in text) == (True, True)


def test_markup_in_texts_stays_text():
    parts = [Note("一", "<b>节</b>"), Table("表|*", ("a|b",), (("x\ny <i> `c`",),)), Chart("图[1]", "<svg/>")]
    text, pictures = markdown("题 #1", parts)
    assert text == (
        "# 题 \\#1\n\n## \\<b\\>节\\</b\\>\n\n一\n\n**表\\|\\***\n\n| a\\|b |\n| --- |\n| x y \\<i\\> \\`c\\` |\n\n"
        "![图\\[1\\]](picture-1.svg)\n"
    )
    assert pictures == {"picture-1.svg": "<svg/>"}
