"""The words of the pages in English: none missing, none left over, and Chinese unless somebody chose."""

import ast
import gettext
import io
import re

import pytest
from django.utils.translation.template import templatize

from pipeline.desk import audit, roles, states

HAN = re.compile(r"[\u4e00-\u9fff]")
#: A legal procedure and printed records stay in the language they are kept in.
CHINESE = {"worksheet.html", "rules.html", "paper.html", "refusal.html"}


def asked_by_templates(root):
    """Return what the templates want translated, by file, as Django itself finds it."""
    found = {}
    for path in sorted((root / "pipeline" / "desk" / "templates" / "desk").glob("*.html")):
        source = templatize(path.read_text(encoding="utf-8"), origin=path.name)
        texts = re.findall(r"gettext\(u?('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\"\"\"(?s:.*?)\"\"\")\)", source)
        texts += re.findall(r"_\((\"[^\"]*\")\)", source)
        found[path.name] = {ast.literal_eval(t.strip()) for t in texts}
    return found


def asked_by_code(root):
    """Return the words that templates translate out of variables, and those of the views."""
    words = {*states.STATES.values(), *states.KINDS.values(), *states.TURNS.values(), *roles.ROLE_NAMES.values()}
    words |= {*audit.ACTIONS.values(), *(what for what, _ in roles.GRANTS.values())}
    for path in (root / "pipeline" / "desk").rglob("*.py"):
        words |= set(re.findall(r"gettext\(\s*\"([^\"]+)\"", path.read_text(encoding="utf-8")))
    words |= {
        "先急后缓",
        "先看拿不准",
        "先看新到",
        "规则另有说法",
        "读入",
        "新增",
        "内容有变",
        "有问题",
        "要人看",
        "搁置",
    }
    return words | {"单位", "地区", "渠道", "已撤销，请重判。"}


@pytest.fixture(scope="module")
def catalogue(root):
    from babel.messages.pofile import read_po

    with (root / "pipeline/desk/locale/en/LC_MESSAGES/django.po").open(encoding="utf-8") as file:
        return read_po(file)


def test_every_word_has_its_english_and_no_word_is_left_over(root, desk, catalogue):
    asked = set().union(*asked_by_templates(root).values()) | asked_by_code(root)
    have = {m.id: m.string for m in catalogue if m.id}
    assert sorted(asked - set(have)) == []
    assert sorted(set(have) - asked) == []
    assert [m for m, said in have.items() if not said or HAN.search(said)] == []


def test_names_inside_a_sentence_are_kept(catalogue):
    fields = re.compile(r"%\(\w+\)s|%s|<[^>]+>")
    for message in catalogue:
        assert (
            sorted(fields.findall(message.id or "")) == sorted(fields.findall(message.string or "")) or not message.id
        )


def test_the_compiled_catalogue_is_the_written_one(root, catalogue):
    """``make words`` after each change."""
    from babel.messages.mofile import write_mo

    made = io.BytesIO()
    write_mo(made, catalogue)
    made.seek(0)
    stored = root / "pipeline/desk/locale/en/LC_MESSAGES/django.mo"
    with stored.open("rb") as file:
        words, written = gettext.GNUTranslations(file)._catalog, gettext.GNUTranslations(made)._catalog
    # The empty word holds the day it was compiled.
    assert {k: v for k, v in words.items() if k} == {k: v for k, v in written.items() if k}


def test_no_template_speaks_chinese_past_the_catalogue(root, desk):
    for path in (root / "pipeline" / "desk" / "templates" / "desk").glob("*.html"):
        if path.name in CHINESE:
            continue
        text = re.sub(r"{%\s*blocktranslate.*?endblocktranslate\s*%}|{%.*?%}", "", path.read_text("utf-8"), flags=re.S)
        bare = [line.strip() for line in text.splitlines() if HAN.search(line)]
        assert bare in ([], [line for line in bare if 'lang="zh-CN">中文' in line]), path.name


def test_chinese_unless_chosen_whatever_the_browser_prefers(desk):
    client = desk.client("senior")
    page = client.get("/queue", headers={"Accept-Language": "en-GB"}).content.decode()
    assert '<html lang="zh-CN"' in page
    assert "取下十件" in page
    assert client.post("/language", {"language": "en", "next": "/queue"})["Location"] == "/queue"
    page = client.get("/queue").content.decode()
    assert '<html lang="en"' in page
    assert "Take the next ten" in page
    client.post("/language", {"language": "xx"})
    assert '<html lang="en"' in client.get("/queue").content.decode()
    client.post("/language", {"language": "zh-hans"})
    assert '<html lang="zh-CN"' in client.get("/queue").content.decode()
    assert client.post("/language", {"language": "en", "next": "https://evil.example/"})["Location"] == "/"


def test_labels_have_english_names_and_workbooks_do_not(desk, taxonomy):
    client = desk.client("senior")
    client.cookies["language"] = "en"
    page = client.get("/documents/1").content.decode()
    label = taxonomy.schemes[0].labels[0]
    assert label.english in page
    assert f">{label.name}<" not in page
    table = client.post("/export", {"filters": "", "format": "csv"}).content.decode("utf-8-sig")
    assert label.name in table
    assert label.english not in table


def test_what_was_just_done_and_what_was_decided_of_others_is_said_in_english_too(desk, taxonomy):
    client = desk.client("reviewer")
    client.cookies["language"] = "en"
    label = next(x for x in taxonomy.schemes[0].labels if x.id == desk.columns[0][1])
    desk.decide(client, desk.case("D001"), labels=[label.id])
    page = client.get(f"/documents/{desk.case('D013').pk}")
    assert page.context["said"] == ["D001: Correct. Z undoes it"]
    found = client.get(f"/documents/{desk.case('D013').pk}/similar").content.decode()
    assert f"Correct: {label.english}" in found
    assert label.name not in found
