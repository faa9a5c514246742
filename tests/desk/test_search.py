import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from desk.stores import apart, both_stores

from pipeline.batch.write import write_chunk
from pipeline.desk import queue
from pipeline.desk.models import Document
from pipeline.desk.queue import held_by
from pipeline.desk.tables import AuditEntry, Block, Case, Indexed
from pipeline.documents import Document as Given


@pytest.fixture
def search(desk):
    """The search, of an open desk."""
    from pipeline.desk import search

    return search


def found(words):
    from pipeline.desk import search

    rows = Case.objects.order_by("-document_id")
    held = search.walk(rows, "document_id", search.seek(words.split(), reveal=True), rows.count())
    return set(rows.filter(pk__in=held).values_list("document__key", flat=True))


@both_stores
def test_the_index_finds_what_reading_every_text_would_find(desk):
    desk.add("X1", "ABC热线没人接，Ａ座，50%_off\\，É 😀呀", title="Ｔitle 题目")
    texts = {d.key: f"{d.title}\n{d.text}" for d in Document.objects.all()}
    text = texts["D007"] + texts["X1"]
    words = {text[at : at + size] for at in range(0, len(text), 3) for size in (2, 3, 5)}
    words = {w for w in words if "\n" not in w and " " not in w} | {
        "abc",
        "ABC热",
        "不存在的词",
        "件：",
        "50%_",
        "off\\",
    }
    for word in words:
        wanted = {k for k, t in texts.items() if word in t or (word.isascii() and word.lower() in t.lower())}
        assert found(word) == wanted, word


@both_stores
def test_a_frequent_word_is_found_without_the_index(desk, search, monkeypatch):
    some = found("没人接")
    assert len(some) > 20
    monkeypatch.setattr(search, "FREQUENT", 5)
    assert found("没人接") == some
    assert found("没人接 老楼加梯") == {"D025"}


@both_stores
def test_frequent_words_are_looked_for_in_the_order_of_the_list(desk, search, monkeypatch):
    client = desk.client("reviewer")

    def keys(query):
        seen, more = [], query
        while more:
            page = client.get(f"/queue?{more}").context
            seen += [r["case"].document.key for r in page["rows"]]
            more = page["more"]
        return seen

    queries = ("q=没人接", "q=没人接&state=all", "q=没人接 热线&order=newest&unit=区教育局")
    wanted = [keys(q) for q in queries]
    assert [len(w) for w in wanted] == [37, 40, 9]
    for name, value in (("FREQUENT", 5), ("FIRST_STEP", 3), ("CHUNK", 7), ("FEW", 4)):
        monkeypatch.setattr(search, name, value)
    assert [keys(q) for q in queries] == wanted
    monkeypatch.setattr(search, "FREQUENT", 0)
    assert [keys(q) for q in queries] == wanted
    client.post("/queue/take", {"filters": "q=没人接"})
    assert [desk.case(k).pk for k in wanted[0][:10]] == held_by(desk.user("reviewer"))


@both_stores
def test_the_index_follows_texts_titles_and_purges(desk, search):
    assert found("老楼加梯") == {"D025"}
    desk.add("D025", "换了一段完全不同的话")
    assert (found("老楼加梯"), found("完全不同")) == (set(), {"D025"})
    assert search.bring_up() == 0
    Document.objects.filter(key="D025").update(title="新的题目")
    search.forget([desk.case("D025").pk])
    assert search.bring_up() == 1
    assert found("新的题目") == {"D025"}
    Document.objects.filter(key="D025").update(text="", title="", purged=True)
    search.forget([desk.case("D025").pk])
    search.scrub()
    assert search.bring_up() == 0
    assert found("完全不同") == set()
    assert found("D025") == {"D025"}
    assert Case.objects.count() == 40


@both_stores
def test_only_what_changed_is_indexed_again(desk, search):
    before = list(Block.objects.order_by("pk").values_list("pk", flat=True))
    search.index(list(Indexed.objects.values_list("document", flat=True)))
    assert list(Block.objects.order_by("pk").values_list("pk", flat=True)) == before
    desk.add("D025", "换了一段完全不同的话")
    [new] = Block.objects.exclude(pk__in=before)
    assert (new.size, Indexed.objects.get(document=desk.case("D025").pk).block) == (1, new.pk)


@both_stores
def test_two_that_bring_the_index_up_at_once_do_not_double_it(desk, search, monkeypatch):
    search.forget(list(Indexed.objects.values_list("document", flat=True)))
    search.scrub()
    assert Block.objects.count() == 0
    both, real = threading.Barrier(2), search.index

    def index(documents):
        both.wait(60)  # both know what is missing before either writes
        real(documents)

    monkeypatch.setattr(search, "index", index)
    with ThreadPoolExecutor(2) as pool:
        both_brought = [pool.submit(apart(search.bring_up)) for _ in range(2)]
    assert [b.result() for b in both_brought] == [40, 40]
    assert Indexed.objects.count() == sum(Block.objects.values_list("size", flat=True)) == 40
    assert found("老楼加梯") == {"D025"}


@both_stores
def test_what_is_masked_cannot_be_read_by_looking_for_it(desk, search, monkeypatch):
    text = "我叫王五，电话１３９-1234 5678，邮箱 Wang.Wu@example.com，新车京A1234挂在门口，合同第5678号，跑了三趟"
    desk.add("M1", text, title="来电13912345678")
    desk.add("M2", f"{text.replace('合同第5678号', '合同')}，又跑了一趟")

    def keys(role, q):
        return {r["case"].document.key for r in desk.client(role).get("/queue", {"q": q}).context["rows"]}

    hidden = (
        "13912345678",
        "139123",
        "话１３",
        "-1234",
        "wang",
        "Wu@",
        "example",
        "com，新",
        "A123",
        "京A1",
        "车京",
        "挂在",
    )
    for frequent in (search.FREQUENT, 0):
        monkeypatch.setattr(search, "FREQUENT", frequent)
        for word in hidden:
            assert not keys("reviewer", word) & {"M1", "M2"}, word
            assert keys("senior", word) & {"M1", "M2"}, word
            assert not keys("reviewer", f"{word} 王五"), word
        assert keys("reviewer", "5678") == {"M1"}
        assert keys("reviewer", "M2 合同") == {"M2"}
        assert keys("reviewer", "新车") == {"M1", "M2"}
    client = desk.client("reviewer")
    client.post("/queue/take", {"filters": "q=139123"})
    assert not desk.client("reviewer").get("/queue?whose=mine").context["rows"]
    table = desk.client("analyst").post("/export", {"filters": "q=139123", "format": "csv"}).content.decode("utf-8-sig")
    assert "M1" not in table


@both_stores
def test_what_is_found_only_where_it_is_masked_is_on_record(desk, search):
    desk.add("M1", "电话13912345678，合同第5678号")
    desk.add("M2", "电话13912345678")
    senior, sought = desk.client("senior"), "5678"
    rows = senior.get("/queue", {"q": sought}).context["rows"]
    assert {r["case"].document.key for r in rows} == {"M1", "M2"}
    senior.get("/queue", {"q": "合同"})
    senior.get("/queue", {"q": "M2"})
    desk.client("reviewer").get("/queue", {"q": sought})
    (entry,) = AuditEntry.objects.filter(action="search.reveal")
    assert (entry.actor, entry.detail) == (desk.user("senior").username, {"cases": [desk.case("M2").pk]})


@both_stores
def test_part_of_a_number_finds_its_document_and_nothing_that_is_masked(desk, search, monkeypatch):
    from pipeline.desk.tables import AuditEntry

    desk.add("WJ20260901-004217", "路灯坏了三个月没有人来修")
    desk.add("M1", "我的电话是13900421700，路灯坏了没有人管")

    def keys(role, q):
        return {r["case"].document.key for r in desk.client(role).get("/queue", {"q": q}).context["rows"]}

    for frequent in (search.FREQUENT, 0):
        monkeypatch.setattr(search, "FREQUENT", frequent)
        for word in ("004217", "4217", "wj2026", "01-0042", "004217 三个月", "20260901 4217"):
            assert keys("reviewer", word) == {"WJ20260901-004217"}, word
        assert keys("reviewer", "217") == set()
        assert keys("senior", "004217") == {"WJ20260901-004217", "M1"}
    assert {str(e.detail) for e in AuditEntry.objects.filter(action="search.reveal")} == {
        str({"cases": [desk.case("M1").pk]})
    }


def test_pages_of_a_search_are_full_though_much_of_it_is_masked(desk, search, monkeypatch):
    for name, value in (("FREQUENT", 0), ("FIRST_STEP", 3), ("CHUNK", 7), ("FEW", 2)):
        monkeypatch.setattr(search, name, value)

    user, seen, after = desk.user("reviewer"), [], ""
    filters = queue.Filters(q="13", state="all", order="newest")
    while True:
        part = queue.page_of(filters, user, after, size=1)
        seen += [c.document.key for c in part.cases]
        if not part.after:
            break
        assert len(part.cases) == 1
        after = part.after
    # All forty have it in their telephone numbers.
    assert len(found("13")) == 40
    assert seen == ["D013", "D011"]


def test_one_character_is_looked_for_among_numbers_only(desk):
    desk.add("7", "号码只有一位的一件")
    assert found("7") == {"7"}
    assert found("件") == set()


def test_a_night_forgets_the_old_title(desk):
    old = Document.objects.get(key="D010")
    write_chunk(desk.night(3), [], [], {}, moved=[Given("D010", old.text, meta={"title": "改过的新题"})])
    desk.take_in()
    assert found("改过的新题") == {"D010"}
