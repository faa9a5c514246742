import csv
import io
import re
import zipfile

import pytest
from desk.stores import both_stores, questions
from django.db import OperationalError
from openpyxl import load_workbook

from pipeline.desk import audit, decide, export, rounds, undo
from pipeline.desk.blind import put_into_queue
from pipeline.desk.cases import refresh
from pipeline.desk.models import Prediction
from pipeline.desk.queue import held_by
from pipeline.desk.roundtrip import MOST_BYTES
from pipeline.desk.schemes import label_names
from pipeline.desk.tables import AuditEntry, Case, Decision


def exported(desk, query="", kind="xlsx", role="senior"):
    client = desk.client(role)
    client.get("/queue")
    answer = client.post("/export", {"filters": query, "format": kind})
    assert answer.status_code == 200
    return answer.content


def heads(sheet):
    return {c.value: c.column for c in sheet[2]}


def filled(content, answers):
    """The workbook as somebody sends it back: ``answers`` are {number: {head: value}}."""
    book = load_workbook(io.BytesIO(content))
    sheet, at = book.worksheets[0], heads(book.worksheets[0])
    for row in range(3, sheet.max_row + 1):
        for head, value in answers.get(sheet.cell(row, at["编号"]).value, {}).items():
            sheet.cell(row, at[head]).value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def send(client, content, name="填好.xlsx"):
    file = io.BytesIO(content)
    file.name = name
    return client.post("/roundtrip", {"file": file})


def verdicts(page):
    return {a.key: a.conflict for a in page.context["answers"]}


def names(desk):
    return label_names()


FORMULAS = ("=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", ' =HYPERLINK("http://x")', "|x", "%0A=1")


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_an_export_is_a_formula(desk, formula, kind):
    text = f"{formula} 跑了五趟"
    desk.add("F1", text, title=formula, unit=formula, district=formula, channel=formula, received=formula)
    desk.add(f"{formula}", "另一件，跑了五趟")
    content = exported(desk, "state=all", kind)
    if kind == "csv":
        cells = [c for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for c in row]
    else:
        sheet = load_workbook(io.BytesIO(content)).worksheets[0]
        assert all(c.data_type != "f" for row in sheet.iter_rows() for c in row)
        cells = [c.value for row in sheet.iter_rows() for c in row if isinstance(c.value, str)]
    assert any(formula in c for c in cells)
    assert [c for c in cells if c.lstrip()[:1] in tuple("=+-@|%")] == []


def test_an_export_says_who_took_it_and_is_on_the_record(desk):
    rows = list(csv.reader(io.StringIO(exported(desk, "unit=区教育局", "csv").decode("utf-8-sig"))))
    assert "复核组长甲（senior）" in rows[0][0]
    assert f"{len(rows) - 2} 件" in rows[0][0]
    assert {row[3] for row in rows[2:]} == {"区教育局"}
    entry = AuditEntry.objects.get(action="export.write")
    assert (entry.actor, entry.target) == ("senior", f"{len(rows) - 2} 件")
    assert (entry.detail["filters"], "，状态 待判，单位 区教育局。" in rows[0][0]) == ("状态 待判，单位 区教育局", True)
    who = desk.user("reviewer").pk
    found = exported(desk, f"state=all&whose={who}&label={desk.columns[0][1]}&said=changed&q=all%01", "xlsx")
    mark = load_workbook(io.BytesIO(found)).worksheets[0]["A1"].value
    assert f"，状态 全部，标签 {names(desk)[desk.columns[0][1]]}，归 分办员甲，人怎么说 人改了模型的，查找 all" in mark


def test_an_export_has_the_order_of_the_list_and_says_when_there_is_more(desk, monkeypatch):
    client = desk.client("senior")
    for query in ("order=newest", "order=uncertainty&q=没人接", "state=all&order=newest&q=热线"):
        listed = [r["case"].document.key for r in client.get(f"/queue?{query}").context["rows"]]
        rows = list(csv.reader(io.StringIO(exported(desk, query, "csv").decode("utf-8-sig"))))
        assert [row[0] for row in rows[2:]][: len(listed)] == listed
        assert "还有更多" not in rows[0][0]
        monkeypatch.setattr(export, "MOST_ROWS", 5)
        rows = list(csv.reader(io.StringIO(exported(desk, query, "csv").decode("utf-8-sig"))))
        assert [row[0] for row in rows[2:]] == listed[:5]
        assert "只含前 5 件，还有更多" in rows[0][0]
        assert AuditEntry.objects.filter(action="export.write").last().target == "只含前 5 件，还有更多"
        monkeypatch.undo()
    assert "至多 5000 件" in client.get("/queue").content.decode()


def test_personal_data_does_not_leave_in_tables(desk):
    desk.add("P1", "我的电话13912345678，跑了五趟", title="来电13912345678")
    content = exported(desk, "state=all", "csv").decode("utf-8-sig")
    assert "13912345678" not in content
    assert "1390000000" not in content


def test_only_the_answers_can_be_filled_in_and_the_decision_from_a_list(desk):
    book = load_workbook(io.BytesIO(exported(desk)))
    sheet = book.worksheets[0]
    at = heads(sheet)
    assert sheet.protection.sheet
    open_columns = {c.column for c in sheet[3] if not c.protection.locked}
    assert open_columns == {at["判定"], at["标签"], at["备注"]}
    rule = sheet.data_validations.dataValidation[0]
    assert rule.formula1 == '"确认,更正,无此问题,拿不准"'
    assert sheet.column_dimensions["O"].hidden
    assert [r[1].value for r in book["可用标签"]] == list(names(desk).values())


def test_a_filled_workbook_is_shown_first_and_saved_on_the_second_press(desk):
    label = names(desk)[desk.columns[5][1]]
    content = filled(
        exported(desk),
        {
            "D001": {"判定": "确认"},
            "D002": {"判定": "更正", "标签": f"{label}", "备注": "=已核实"},
            "D003": {"判定": "无此问题"},
            "D004": {"判定": "拿不准"},
        },
    )
    client = desk.client("reviewer")
    page = send(client, content)
    assert verdicts(page) == {f"D00{n}": "" for n in range(1, 5)}
    assert Decision.objects.count() == 0
    done = client.post("/roundtrip", {"plan": page.context["plan"]})
    assert done.context["saved"] == 4
    made = {d.document.key: d for d in Decision.objects.select_related("document")}
    assert {k: d.kind for k, d in made.items()} == {
        "D001": "confirm", "D002": "correct", "D003": "reject", "D004": "unsure",
    }  # fmt: skip
    assert [x.label for x in desk.case("D002").labels.all()] == [desk.columns[5][1]]
    assert made["D002"].by.username == "reviewer"
    again = client.post("/roundtrip", {"plan": page.context["plan"]})
    assert (again.status_code, "已存过" in again.content.decode(), Decision.objects.count()) == (400, True, 4)


def test_who_takes_a_whole_workbook_back_is_told_so_before_and_after(desk):
    client = desk.client("reviewer")
    page = send(client, filled(exported(desk), {f"D00{n}": {"判定": "无此问题"} for n in (1, 2, 3)}))
    client.post("/roundtrip", {"plan": page.context["plan"]})
    opened = client.get(f"/documents/{desk.case('D005').pk}")
    assert opened.context["said"] == ["导回了 3 件。按 Z 撤销的是这 3 件"]
    again = client.post("/undo", follow=True)
    assert again.context["said"] == ["已撤销 3 件，请重判。"]
    assert {desk.case(f"D00{n}").state for n in (1, 2, 3)} == {"open"}


def imports(desk, client, numbers):
    page = send(client, filled(exported(desk), {f"D{n:03d}": {"判定": "无此问题"} for n in numbers}))
    return lambda: client.post("/roundtrip", {"plan": page.context["plan"]})


@both_stores
def test_of_many_that_come_and_go_the_store_is_asked_no_oftener_than_of_few(desk):
    client = desk.client("reviewer")
    few = questions(imports(desk, client, range(1, 4)))
    back = questions(lambda: client.post("/undo"))
    many = questions(imports(desk, client, range(5, 35)))
    assert Case.objects.filter(state="done").count() == 30
    assert len(many) <= len(few) + 5
    assert len(questions(lambda: client.post("/undo"))) <= len(back) + 5
    assert not Case.objects.filter(state="done").exists()
    assert AuditEntry.objects.filter(action="review.undo").count() == 33
    assert audit.verify()[2] == []
    # Held is the one that is opened again, each time: the others are everybody's.
    assert len(held_by(desk.user("reviewer"))) == 2


def test_what_a_colleague_read_since_stays_when_a_workbook_is_taken_back_in_parts(desk, monkeypatch):
    monkeypatch.setattr(rounds, "second_wanted", lambda document, _: document == desk.case("D002").pk)
    monkeypatch.setattr(undo, "AT_ONCE", 2)
    client = desk.client("reviewer")
    assert imports(desk, client, range(1, 6))().context["saved"] == 5
    desk.decide(desk.client("senior"), desk.case("D002"), "reject")
    said = client.post("/undo", follow=True).context["said"]
    assert said == ["已撤销 4 件，请重判。1 件没有撤销：别人在您之后判过，或原文已清除。"]
    assert [desk.case(f"D00{n}").state for n in range(1, 6)] == ["open", "done", "open", "open", "open"]
    assert client.post("/undo").status_code == 409


def test_what_a_busy_store_leaves_of_thousands_is_told_and_gone_on_with(desk, monkeypatch):
    def busy_after(work, parts):
        left = iter(range(parts))

        def tried(*args, **how):
            if next(left, None) is None:
                raise OperationalError("database is locked")
            return work(*args, **how)

        return tried

    monkeypatch.setattr(decide, "AT_ONCE", 2)
    monkeypatch.setattr(undo, "AT_ONCE", 2)
    client = desk.client("reviewer")
    sent = imports(desk, client, range(1, 6))
    with monkeypatch.context() as night:
        night.setattr(decide, "_decide_part", busy_after(decide._decide_part, 2))
        page = sent()
    assert (page.context["saved"], page.context["failed"]) == (4, [("D005", "存储正忙，这件没有保存")])
    with monkeypatch.context() as night:
        night.setattr(undo, "_take_back", busy_after(undo._take_back, 1))
        said = client.post("/undo", follow=True).context["said"]
    assert said == ["已撤销 2 件，请重判。存储正忙，还有没撤完的：再按 Z。"]
    assert client.post("/undo", follow=True).context["said"] == ["已撤销 2 件，请重判。"]
    assert {desk.case(f"D00{n}").state for n in range(1, 6)} == {"open"}


def test_pressed_twice_at_once_a_workbook_is_taken_back_once(desk, monkeypatch):
    monkeypatch.setattr(undo, "AT_ONCE", 2)
    client, user = desk.client("reviewer"), desk.user("reviewer")
    assert imports(desk, client, range(1, 6))().context["saved"] == 5
    with monkeypatch.context() as second:
        again = iter([lambda: undo.undo(user)])
        second.setattr(undo.time, "sleep", lambda _: next(again, int)())
        assert len(undo.undo(user).documents) == 2
    assert {desk.case(f"D00{n}").state for n in range(1, 6)} == {"open"}


def test_a_workbook_that_was_taken_back_comes_in_again_unless_somebody_has_decided_since(desk):
    client = desk.client("reviewer")
    content = filled(exported(desk), {f"D00{n}": {"判定": "无此问题"} for n in (1, 2, 3)})
    client.post("/roundtrip", {"plan": send(client, content).context["plan"]})
    assert all("判过" in why for why in verdicts(send(client, content)).values())
    client.post("/undo")
    client.post("/queue/give-back")
    desk.decide(desk.client("senior"), desk.case("D003"))
    page = send(client, content)
    assert {key: "判过" in why for key, why in verdicts(page).items()} == {"D001": False, "D002": False, "D003": True}
    assert client.post("/roundtrip", {"plan": page.context["plan"]}).context["saved"] == 2


def test_a_number_that_looks_like_a_formula_comes_back(desk):
    keys = ("-市12345-01", "'+市12345-02", "'市12345-03", "=" + "长" * 199)
    for n, key in enumerate(keys):
        desk.add(key, f"窗口让我跑了{n + 3}趟，{'一二三四'[n] * 9}")
    content = exported(desk)
    cells = [key if key.startswith("'") else f"'{key}" for key in keys]
    client = desk.client("reviewer")
    page = send(client, filled(content, {c: {"判定": "确认"} for c in cells}))
    assert verdicts(page) == dict.fromkeys(keys, "")
    assert client.post("/roundtrip", {"plan": page.context["plan"]}).context["saved"] == len(keys)
    assert {desk.case(key).state for key in keys} == {"done"}


def test_every_conflict_is_named_and_nothing_of_it_is_saved(desk):
    content = exported(desk)
    desk.decide(desk.client("senior"), desk.case("D001"))
    desk.add("D002", "导出之后换了一段")
    Case.objects.filter(document__key="D002").update(run="")

    refresh()
    assert Prediction.objects.filter(document__key="D002").exists()
    sent = filled(
        content,
        {
            "D001": {"判定": "确认"},
            "D002": {"判定": "确认"},
            "D003": {"判定": "更正", "标签": "没有的标签"},
            "D004": {"判定": "确认", "原文": "换掉的原文"},
            "D005": {"判定": "同意"},
            "D006": {"备注": "只写了备注"},
            "D007": {"判定": "更正"},
            "D008": {"判定": "确认", "标签": names(desk)[desk.columns[5][1]]},
            "D009": {"判定": "确认", "编号": "D010"},
            "D011": {"判定": "确认", "编号": "没有的"},
            "D012": {"判定": "确认"},
        },
    )
    page = send(desk.client("reviewer"), sent)
    said = verdicts(page)
    for key, expected in (
        ("D001", "别人判过"),
        ("D002", "原文更新"),
        ("D003", "没有标签 '没有的标签'"),
        ("D004", "被改过"),
        ("D005", "不在列表里"),
        ("D006", "没有选判定"),
        ("D007", "没有写标签"),
        ("D008", "应选“更正”"),
        ("D010", "被改过"),
        ("没有的", "没有这个编号"),
        ("D012", ""),
    ):
        assert (expected in said[key], bool(said[key])) == (True, bool(expected)), (key, said[key])
    assert page.context["good"] == 1


def test_a_name_that_two_labels_have_is_asked_about_and_the_number_of_either_is_taken(desk):
    one, other = desk.columns[0][1], desk.columns[8][1]
    file = desk.settings.taxonomy_file
    said = file.read_text(encoding="utf-8")
    renamed = re.sub(rf'(id = "(?:{one}|{other})"\s*\nname = )"[^"]*"', r'\1"其他"', said)
    file.write_text(renamed, encoding="utf-8")
    content = exported(desk)
    answers = {"D001": {"判定": "更正", "标签": "其他"}, "D002": {"判定": "更正", "标签": f"{one}；{one}"}}
    client = desk.client("reviewer")
    page = send(client, filled(content, answers))
    assert verdicts(page) == {"D001": f"'其他' 有几个标签同名，请写编号 {one}、{other}", "D002": ""}
    client.post("/roundtrip", {"plan": page.context["plan"]})
    assert [x.label for x in desk.case("D002").labels.all()] == [one]
    listed = [r[3].value for r in load_workbook(io.BytesIO(content))["可用标签"] if r[1].value == "其他"]
    assert listed == [one, other]


def test_confirmed_is_what_the_workbook_showed_not_what_the_model_says_since(desk):
    content = exported(desk)
    text = desk.case("D001").document.text
    desk.add("D001", text, decided={desk.columns[7][1]: 0.9})
    desk.add("D002", desk.case("D002").document.text, decided={desk.columns[7][1]: 0.9})
    label = names(desk)[desk.columns[5][1]]
    changed = {
        "D001": {"判定": "确认"},
        "D002": {"判定": "更正", "标签": label},
        "D003": {"判定": "确认", "模型判定": label},
        "D004": {"判定": "确认"},
    }
    page = send(desk.client("reviewer"), filled(content, changed))
    said = verdicts(page)
    assert "模型的判定变了" in said["D001"]
    assert "被改过" in said["D003"]
    assert (said["D002"], said["D004"]) == ("", "")
    # Exported anew it holds.
    page = send(desk.client("reviewer"), filled(exported(desk), {"D001": {"判定": "确认"}}))
    assert verdicts(page) == {"D001": ""}
    shown = page.content.decode().partition("<tbody>")[2]
    assert names(desk)[desk.columns[7][1]] in shown


def test_the_preview_shows_the_labels_that_will_be_saved(desk):
    given = names(desk)
    content = filled(
        exported(desk),
        {
            "D001": {"判定": "确认"},
            "D002": {"判定": "更正", "标签": f"{given[desk.columns[5][1]]}；"},
            "D003": {"判定": "拿不准"},
        },
    )
    client = desk.client("reviewer")
    page = send(client, content)
    rows = page.content.decode().partition("<tbody>")[2].partition("</tbody>")[0].split("</tr>")
    model = [given[d["id"]] for some in desk.case("D001").prediction.decided.values() for d in some]
    assert "；".join(model) in rows[0]
    assert given[desk.columns[5][1]] in rows[1]
    assert not any(name in rows[2] for name in given.values())
    client.post("/roundtrip", {"plan": page.context["plan"]})

    assert Decision.objects.get(document__key="D003").labels == {s: [] for s, _ in desk.columns}


def test_what_is_judged_blind_is_not_confirmed_from_a_workbook_and_nothing_tells_what_would_fit(desk):
    put_into_queue({"D001": 0.5, "D005": 0.5, "D006": 0.5}, "s", actor="an")
    given = names(desk)
    model = "；".join(given[d["id"]] for some in desk.case("D005").prediction.decided.values() for d in some)
    content = exported(desk)
    sent = {
        "D001": {"判定": "确认"},
        "D005": {"判定": "确认", "标签": model},
        "D006": {"判定": "确认", "标签": next(iter(given.values()))},
    }
    client = desk.client("reviewer")
    page = send(client, filled(content, sent))
    assert len(set(verdicts(page).values())) == 1
    assert "盲判" in verdicts(page)["D001"]
    page = send(
        client,
        filled(
            content, {"D001": {"判定": "无此问题"}, "D005": {"判定": "更正", "标签": model}, "D006": {"判定": "拿不准"}}
        ),
    )
    assert verdicts(page) == dict.fromkeys(("D001", "D005", "D006"), "")
    assert not any(n in page.content.decode() for n in set(given.values()) - set(model.split("；")))
    client.post("/roundtrip", {"plan": page.context["plan"]})
    assert Decision.objects.count() == 3


def test_a_case_drawn_blind_after_the_export_is_exported_anew(desk):
    content = filled(exported(desk), {"D001": {"判定": "无此问题"}})
    put_into_queue({"D001": 0.5}, "s", actor="an")
    assert "抽作盲判" in verdicts(send(desk.client("reviewer"), content))["D001"]


def test_a_decision_made_between_preview_and_saving_is_not_overwritten(desk):
    page = send(desk.client("reviewer"), filled(exported(desk), {"D001": {"判定": "无此问题"}}))
    desk.decide(desk.client("senior"), desk.case("D001"))
    done = desk.client("reviewer").post("/roundtrip", {"plan": page.context["plan"]})
    assert (done.context["saved"], [k for k, _ in done.context["failed"]]) == (0, ["D001"])
    assert desk.case("D001").labels.count() == 2


@both_stores
def test_who_read_an_earlier_text_may_read_the_new_one_second_in_a_workbook(desk):
    desk.reopen(second_percent=100)
    desk.add_user("second", "reviewer")
    one, two = desk.client("reviewer"), desk.client("second")
    desk.decide(one, desk.case("D001"))
    desk.add("D001", "换了一份材料：镇里说下月就修，到现在没有人来。")
    desk.decide(two, desk.case("D001"))
    content = filled(exported(desk, "state=second"), {"D001": {"判定": "确认"}})
    page = send(one, content)
    assert verdicts(page) == {"D001": ""}
    assert verdicts(send(two, content)) == {"D001": "您已判过，要由另一个人再看"}
    assert one.post("/roundtrip", {"plan": page.context["plan"]}).context["saved"] == 1
    assert desk.case("D001").state == "done"


def test_a_plan_is_nobody_elses_and_not_to_be_changed(desk):
    page = send(desk.client("reviewer"), filled(exported(desk), {"D001": {"判定": "确认"}}))
    plan = page.context["plan"]
    assert desk.client("senior").post("/roundtrip", {"plan": plan}).status_code == 400
    assert desk.client("reviewer").post("/roundtrip", {"plan": plan[:-2] + "xx"}).status_code == 400
    assert desk.case("D001").state == "open"
    mine = desk.client("reviewer")
    assert mine.post("/roundtrip", {"plan": mine.cookies["zuofeng_session"].value}).status_code == 400
    assert "已保存 1 件" in mine.post("/roundtrip", {"plan": plan}).content.decode()
    assert mine.post("/roundtrip", {"plan": plan}).status_code == 400


def test_notes_of_any_length_come_in_with_thousands_of_rows(desk):
    """What is saved later waits in the store: a form may hold two megabytes."""
    import random

    draw = random.Random(7)
    notes = {f"D{n:03d}": "".join(chr(draw.randrange(0x4E00, 0x9FA5)) for _ in range(4000)) for n in range(1, 41)}
    book = filled(exported(desk, "state=all"), {k: {"判定": "无此问题", "备注": note} for k, note in notes.items()})
    client = desk.client("reviewer")
    page = send(client, book)
    form = re.search(r'name="plan" value="([^"]*)"', page.content.decode())[1]
    assert len(form) < 100
    done = client.post("/roundtrip", {"plan": form})
    assert f"已保存 {page.context['good']} 件" in done.content.decode()

    assert Decision.objects.get(document__key="D001").note == notes["D001"]


def with_part(content, part, change):
    """The workbook with one of its parts as somebody else has left it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return out.getvalue()


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("xl/worksheets/sheet1.xml", lambda x: x[:2000]),
        ("xl/styles.xml", lambda x: x[:300]),
        ("xl/workbook.xml", lambda x: x[:300]),
        ("xl/workbook.xml", lambda x: re.sub(rb"<sheets>.*</sheets>", b"<sheets/>", x)),
        ("xl/_rels/workbook.xml.rels", lambda x: x[:80]),
        ("[Content_Types].xml", lambda x: b"<x/>"),
    ],
    ids=["sheet", "styles", "workbook", "no-sheets", "rels", "types"],
)
def test_a_workbook_that_is_damaged_inside_is_refused_with_a_sentence(desk, part, change):
    page = send(desk.client("reviewer"), with_part(exported(desk), part, change))
    assert (page.status_code, "已损坏" in page.context["error"]) == (400, True)


def bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("[Content_Types].xml", b"<x>" + b" " * (300 << 20) + b"</x>")
    return out.getvalue()


def entities():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("xl/workbook.xml", b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>')
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "空.xlsx"),
        (b"no workbook", "a.xlsx"),
        (b"PK\x03\x04 broken", "a.xlsx"),
        (bomb(), "bomb.xlsx"),
        (entities(), "xxe.xlsx"),
        (b"x", "../../../etc/passwd"),
        (b"x", "a\x00b.xlsx"),
    ],
    ids=["empty", "text", "broken", "bomb", "entities", "path", "nul"],
)
def test_what_is_no_workbook_of_ours_is_refused_with_a_sentence(desk, content, name):
    page = send(desk.client("reviewer"), content, name)
    assert page.status_code == 400
    assert page.context["error"]
    assert "etc/passwd" not in page.content.decode()


def test_a_workbook_with_other_columns_is_refused(desk):
    book = load_workbook(io.BytesIO(exported(desk)))
    book.worksheets[0].delete_cols(3)
    out = io.BytesIO()
    book.save(out)
    page = send(desk.client("reviewer"), out.getvalue())
    assert (page.status_code, "表头" in page.context["error"]) == (400, True)


def test_a_file_that_is_too_large_is_refused_before_it_is_opened(desk):
    page = send(desk.client("reviewer"), b"x" * (MOST_BYTES + 1))
    assert page.status_code == 413


def test_lines_of_any_kind_survive_the_way_out_and_back(desk):
    desk.add("L1", "第一行\r\n第二行\r第三行\n跑了五趟\x0b", title="行")
    page = send(desk.client("reviewer"), filled(exported(desk, "q=L1"), {"L1": {"判定": "确认"}}))
    assert verdicts(page) == {"L1": ""}
