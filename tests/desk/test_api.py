"""The interface for other programs: tokens, rates, shapes; what it tells and what it keeps."""

import datetime as dt
import json
import re
import shutil

import hypothesis
import pytest
from desk.conftest import running
from desk.stores import apart, comes_to_wait, on_postgres
from django.db import connection
from typer.testing import CliRunner

from pipeline.batch import ledger
from pipeline.batch.sources import open_source
from pipeline.cli import app
from pipeline.desk import settle
from pipeline.desk.api.app import api
from pipeline.desk.api.door import METER, MOST_DENIED, Meter
from pipeline.desk.api.faults import RefusedError
from pipeline.desk.api.reading import decisions
from pipeline.desk.api.receive import receive
from pipeline.desk.api.waiting import waiting_in
from pipeline.desk.audit import verify
from pipeline.desk.blind import put_into_queue
from pipeline.desk.clients import Grant, add_client, revoke_client
from pipeline.desk.configure import open_desk
from pipeline.desk.decide import decide
from pipeline.desk.models import Document as Row
from pipeline.desk.roles import Role
from pipeline.desk.scoring import LIVE
from pipeline.desk.tables import AuditEntry, Case
from pipeline.desk.undo import undo
from pipeline.model.bundle import load_bundle
from pipeline.model.registry import set_champion
from pipeline.model.score import Scorer
from pipeline.settings import load_settings

CHECKS = list(hypothesis.HealthCheck)
SECRET = "我的电话是13912345678"


@pytest.fixture
def door(desk):
    """Make clients; counters start at nothing."""
    METER.clear()
    return Caller(desk)


class Caller:
    def __init__(self, desk):
        self.desk = desk

    def token(self, *may, name=None):
        return add_client(name or "-".join(may) or "none", may)[1]

    def get(self, path, token=None, **query):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.desk.client().get(f"/api/v1/{path}", query, headers=headers)

    def post(self, path, body, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        content = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.desk.client().post(f"/api/v1/{path}", content, content_type="application/json", headers=headers)


def operations():
    """Every address of the interface from its own description, with what it takes."""
    for path, ways in api.get_openapi_schema()["paths"].items():
        for method, way in ways.items():
            yield path, method.upper(), way


def grants():
    """Grant by operation, from the doors as they are built."""
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                (door,) = operation.auth_callbacks
                yield f"/api/v1{prefix}{path}", operation.methods[0], door.needs


def test_every_address_of_the_interface_takes_a_token_and_its_grant(desk, door):
    """All addresses × nobody, wrong tokens, people's sessions, a revoked client, each grant × their method."""
    tokens = {g: door.token(g.value) for g in Grant}
    gone = door.token(*Grant, name="gone")
    revoke_client("gone")
    found = list(grants())
    assert {(p, m) for p, m, _ in operations()} | {("/api/v1/openapi.json", "GET")} == {(p, m) for p, m, _ in found}
    for path, method, needs in found:
        strangers = {"nobody": desk.client(), **{r: desk.client(r.value) for r in Role}}
        for who, client in strangers.items():
            answer = client.generic(method, path)
            assert (answer.status_code, answer.json()["code"]) == (401, "ZF-API-TOKEN"), (path, who)
            assert answer["WWW-Authenticate"] == "Bearer"
        from pipeline.desk.api.door import METER

        METER.clear()
        for wrong in (gone, "zf_x", "", tokens[Grant.READ] + "x", tokens[Grant.READ].upper()):
            answer = desk.client().generic(method, path, headers={"Authorization": f"Bearer {wrong}"})
            assert answer.status_code == 401, (path, wrong)
        for grant, token in tokens.items():
            answer = desk.client().generic(
                method, path, "{}", content_type="application/json", headers={"Authorization": f"Bearer {token}"}
            )
            allowed = needs is None or needs == grant
            assert (answer.status_code == 403) != allowed, (path, grant, answer.status_code)
            assert answer.status_code < 500, (path, grant)
        for other in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {m for p, m, _ in found if p == path}:
            answer = desk.client().generic(other, path, headers={"Authorization": f"Bearer {tokens[Grant.READ]}"})
            assert answer.status_code == 405, (path, other)


def test_only_a_hash_of_the_token_is_kept(desk, door):
    from pathlib import Path

    token = door.token("read")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store = Path(connection.settings_dict["NAME"]).read_bytes()
    assert b"read" in store
    assert token.encode() not in store
    assert token.removeprefix("zf_").encode() not in store
    assert len(token) >= 40


def test_the_rate_ends_at_its_number_and_says_when_to_come_again(desk, door):
    desk.reopen(api_per_minute=3)
    one, two = door.token("read", name="one"), door.token("read", name="two")
    assert [door.get("runs", one).status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = door.get("runs", one)
    assert answer.json()["code"] == "ZF-API-RATE"
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert door.get("runs", two).status_code == 200


@pytest.mark.usefixtures("desk")
def test_the_meter_forgets_after_a_minute():
    meter = Meter()
    assert [meter.take("a", 2, t) for t in (0.0, 10.0, 20.0)] == [0, 0, 40]
    assert meter.take("a", 2, 60.1) == 0
    assert meter.take("a", 2, 60.2) == 10


def test_guessing_tokens_does_not_flood_the_trail(desk, door):
    codes = [door.get("runs", f"zf_{n}").status_code for n in range(MOST_DENIED + 5)]
    assert codes == [401] * MOST_DENIED + [429] * 5
    assert AuditEntry.objects.filter(action="api.deny").count() == MOST_DENIED


def test_each_use_is_on_the_record_under_the_clients_name(desk, door):
    token = door.token("read", name="热线系统")
    door.get("decisions", token)
    door.get("documents", token, id="D001")
    door.post("classify", {}, token)
    said = (
        AuditEntry.objects.filter(actor="接口:热线系统").order_by("number").values_list("action", "target", "address")
    )
    assert list(said) == [
        ("api.read", "decisions", "127.0.0.1"),
        ("api.read", "D001", "127.0.0.1"),
        ("api.deny", "/api/v1/classify", "127.0.0.1"),
    ]
    assert verify()[2] == []


def test_predictions_come_masked_in_pages_that_join_without_gap(desk, door):
    token = door.token("read")
    desk.add("P1", f"窗口推来推去。{SECRET}", spans={desk.columns[0][1]: [SECRET]})
    items, after = [], 0
    while after is not None:
        page = door.get("predictions", token, after=after, size=7).json()
        assert "items" in page, page
        items += page["items"]
        after = page["next"]
    assert len(items) == 41
    assert len({i["id"] for i in items}) == 41
    assert [i["number"] for i in items] == sorted(i["number"] for i in items)
    text = json.dumps(items, ensure_ascii=False)
    assert not re.search(r"1[3-9]\d{9}", text)
    assert [e["quote"] for e in items[-1]["evidence"]] == ["我的电话是139****5678"] or "*" in text
    run = items[0]["run"]
    assert len(door.get("predictions", token, run=run, size=200).json()["items"]) == 41
    assert door.get("predictions", token, run="none").json() == {"items": [], "next": None}
    assert [r["run"] for r in door.get("runs", token).json()["items"]] == [run]


def test_what_a_run_that_broke_off_had_scored_is_found_by_its_run(desk, door):
    token, night = door.token("read"), dt.datetime(2026, 9, 2, 2, tzinfo=dt.UTC)
    broken = ledger.begin(kind="nightly", source="/data/inbox", model="m-1", plan={}, now=night)
    desk.add("N1", "窗口推来推去，三次都没办成", run=broken)
    assert len(door.get("runs", token).json()["items"]) == 1
    # Another source's night takes its place; what was scored stays as it is, under the run that scored it.
    ledger.finish(ledger.begin(kind="nightly", source="inbox", model="m-1", plan={}, now=night), "done", counts={})
    listed = door.get("runs", token).json()["items"]
    assert broken.id in [r["run"] for r in listed]
    assert [r["state"] for r in listed] == ["done", "died", "done"]
    pages = [door.get("predictions", token, run=r["run"], size=200).json()["items"] for r in listed]
    assert [len(page) for page in pages] == [40, 1, 0]


def test_what_an_older_text_said_is_not_quoted(desk, door):
    from pipeline.desk.models import Document

    Document.objects.filter(key="D001").update(text=SECRET, text_hash="0" * 64)
    found = door.get("documents", door.token("read"), id="D001").json()
    assert found["predictions"][0]["current"] is False
    assert {e["quote"] for e in found["predictions"][0]["evidence"]} == {""}
    assert "13912345678" not in found["text"]


def test_decisions_come_in_the_order_they_were_made_with_what_took_them_back(desk, door):
    who = desk.client("reviewer")
    desk.decide(who, desk.case("D001"), note=f"回过电话，{SECRET}")
    desk.decide(who, desk.case("D002"), "reject")
    who.post("/undo")
    token = door.token("read")
    items = door.get("decisions", token).json()["items"]
    assert [(i["id"], i["kind"]) for i in items] == [("D001", "confirm"), ("D002", "reject"), ("D002", "undo")]
    assert items[2]["undoes"] == items[1]["number"]
    assert "回过电话" in items[0]["note"]
    assert "13912345678" not in items[0]["note"]
    assert door.get("decisions", token, after=items[1]["number"]).json()["items"] == items[2:]
    assert "reviewer" not in json.dumps(items)


@on_postgres
@pytest.mark.parametrize("taken_back", [False, True])
def test_who_reads_on_from_the_last_decision_misses_none_that_was_slow(desk, monkeypatch, taken_back):
    """One has its number and hangs; meanwhile another one decides and somebody reads."""
    import threading
    from concurrent.futures import ThreadPoolExecutor

    slow, quick = desk.user("reviewer"), desk.user("senior")
    numbered, go_on, real = threading.Event(), threading.Event(), settle.state_after
    first = desk.case("D001").pk

    def make(user, key):
        case = desk.case(key)
        decide(user=user, document=case.pk, action="reject", labels=(), text_hash=case.text_hash)

    def hang(made, text_hash):
        if made[-1].document_id == first:
            numbered.set()
            go_on.wait(60)
        return real(made, text_hash)

    if taken_back:
        make(slow, "D001")
    monkeypatch.setattr(settle, "state_after", hang)
    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(apart(undo), slow) if taken_back else pool.submit(apart(make), slow, "D001")
        numbered.wait(60)
        other = pool.submit(apart(make), quick, "D002")
        comes_to_wait(other)
        seen = decisions(0, 200)["items"]
        go_on.set()
        late.result()
        other.result()
    seen += decisions(max((d["number"] for d in seen), default=0), 200)["items"]
    assert len(seen) == 2 + taken_back


def test_what_waits_for_a_second_reader_is_withheld_until_then(desk, door):
    desk.reopen(second_percent=100)
    token = door.token("read")
    label = desk.columns[3][1]
    desk.decide(desk.client("reviewer"), desk.case("D001"), labels=[label], note="看法")
    (item,) = door.get("decisions", token).json()["items"]
    assert (item["withheld"], item["kind"], item["labels"], item["note"]) == (True, None, None, None)
    assert label not in json.dumps(door.get("documents", token, id="D001").json()["decisions"])
    desk.decide(desk.client("senior"), desk.case("D001"), labels=[label])
    items = door.get("decisions", token).json()["items"]
    assert [i["withheld"] for i in items] == [False, False]
    assert all(label in i["labels"][desk.columns[3][0]] for i in items)


def test_what_is_judged_blind_is_told_after_it_is_judged(desk, door):
    Case.objects.filter(pk=desk.case("D001").pk).update(blind=True)
    token = door.token("read")

    def told():
        (of,) = door.get("documents", token, id="D001").json()["predictions"]
        (listed,) = [p for p in door.get("predictions", token).json()["items"] if p["id"] == "D001"]
        assert listed == of
        return of

    before = told()
    assert before["withheld"]
    said = ("is_problem", "problem_score", "decided", "scores", "evidence", "review")
    assert {before[name] for name in said} == {None}
    desk.decide(desk.client("senior"), desk.case("D001"), "reject")
    after = told()
    assert not after["withheld"]
    assert after["scores"]
    (other,) = door.get("documents", token, id="D002").json()["predictions"]
    assert (other["withheld"], other["is_problem"]) == (False, True)


def test_how_a_blind_decision_relates_to_the_model_is_told_when_it_is_done(desk, door):
    put_into_queue({"D001": 0.5}, "s", actor="an")
    token, reviewer = door.token("read"), desk.client("reviewer")
    desk.decide(reviewer, desk.case("D001"))
    reviewer.post("/undo")
    made, undone = door.get("decisions", token).json()["items"]
    assert (made["withheld"], made["kind"], bool(made["labels"])) == (False, None, True)
    assert undone["kind"] == "undo"
    desk.decide(reviewer, desk.case("D001"))
    items = door.get("decisions", token).json()["items"]
    assert [i["kind"] for i in items] == ["confirm", "undo", "confirm"]


def test_new_documents_wait_for_the_night_and_come_twice_without_harm(desk, door):
    token = door.token("post", name="热线")
    body = {
        "documents": [{"id": "N-1", "text": "窗口没有人。", "title": "反映", "unit": "区教育局", "time": "2026-03-01"}]
    }
    answer = door.post("documents", body, token)
    assert (answer.status_code, answer.json()) == (202, {"accepted": ["N-1"], "known": []})
    folder = desk.settings.home / "state" / "api-inbox"
    assert folder.stat().st_mode & 0o007 == 0
    (document,) = [d for f in folder.glob("*.jsonl") for d in open_source(f)]
    assert document.id == "N-1"
    assert document.text.endswith("窗口没有人。")
    assert document.meta["unit"] == "区教育局"
    # As the night stores it: its title before it.
    desk.add("N-1", document.text)
    assert door.post("documents", body, token).json() == {"accepted": [], "known": ["N-1"]}
    stored = desk.case("D001").document.text
    again = {"documents": [{"id": "D001", "text": stored}]}
    assert door.post("documents", again, token).json() == {"accepted": [], "known": ["D001"]}
    other = door.post("documents", {"documents": [{"id": "D001", "text": "别的"}]}, token)
    assert (other.status_code, other.json()["code"], other.json()["details"]) == (409, "ZF-API-KNOWN", ["D001"])
    twice = door.post("documents", {"documents": [{"id": "N-2", "text": "一"}, {"id": "N-2", "text": "二"}]}, token)
    assert (twice.status_code, twice.json()["code"]) == (422, "ZF-API-TWICE")
    assert len(list(folder.glob("*.jsonl"))) == 1


def test_what_waits_already_is_kept_once_and_no_other_text_takes_its_number(desk, door):
    token = door.token("post")
    folder = desk.settings.home / "state" / "api-inbox"
    one, two = {"id": "N-1", "title": "反映", "text": "窗口没有人。"}, {"id": "N-2", "text": "电话\u2028没人接。"}
    assert door.post("documents", {"documents": [one]}, token).status_code == 202
    (first,) = folder.iterdir()
    again = door.post("documents", {"documents": [one, two]}, token)
    assert (again.status_code, again.json()) == (202, {"accepted": ["N-1", "N-2"], "known": []})
    (second,) = set(folder.iterdir()) - {first}
    assert [json.loads(line)["id"] for line in second.read_text(encoding="utf-8").split("\n") if line] == ["N-2"]
    for _ in ("as it is", "after a restart"):
        assert door.post("documents", {"documents": [two, one]}, token).json()["accepted"] == ["N-2", "N-1"]
        other = door.post("documents", {"documents": [two, {**one, "text": "别的"}]}, token)
        assert (other.status_code, other.json()["code"], other.json()["details"]) == (409, "ZF-API-KNOWN", ["N-1"])
        assert set(folder.iterdir()) == {first, second}
        waiting_in.cache_clear()
    first.unlink()
    assert door.post("documents", {"documents": [{**one, "text": "别的"}]}, token).status_code == 202


@pytest.mark.usefixtures("desk")
def test_of_many_texts_handed_in_at_once_under_one_number_one_is_taken():
    import threading
    from concurrent.futures import ThreadPoolExecutor

    ready = threading.Barrier(6)

    def hand_in(text):
        ready.wait()
        try:
            return receive("热线", [{"id": "N-1", "text": text}])[0]
        except RefusedError as e:
            return e.code

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(apart(hand_in), "甲乙丙丁戊己"))
    assert answers.count(["N-1"]) == 1
    assert answers.count("ZF-API-KNOWN") == 5


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "ZF-API-JSON"),
        (b"\xff\xfe", 400, "ZF-API-JSON"),
        ("[]", 422, "ZF-API-SHAPE"),
        ({"documents": []}, 422, "ZF-API-SHAPE"),
        ({"documents": [{"id": "a", "text": "一", "role": "admin"}]}, 422, "ZF-API-SHAPE"),
        ({"documents": [{"id": " a", "text": "一"}]}, 422, "ZF-API-SHAPE"),
        ({"documents": [{"id": "a\x00", "text": "一"}]}, 422, "ZF-API-SHAPE"),
        ('{"documents": [{"id": "a", "text": "\\ud800"}]}', 422, "ZF-API-SHAPE"),
        ({"documents": [{"id": "a", "text": " \n "}]}, 422, "ZF-API-SHAPE"),
        ({"documents": [{"id": str(n), "text": "一"} for n in range(101)]}, 422, "ZF-API-SHAPE"),
        ({"documents": [{"id": "a", "text": "一" * 200_001}]}, 422, "ZF-API-SHAPE"),
        ({"documents": [{"id": "2.02611E+17", "text": "一"}]}, 422, "ZF-API-UNFIT"),
        ('"' + "x" * (2 * 2**20) + '"', 413, "ZF-API-SIZE"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_code_and_never_repeated(door, body, status, code):
    answer = door.post("documents", body, door.token("post"))
    said = answer.json()
    assert (answer.status_code, said["code"]) == (status, code)
    assert said["message"]
    assert said["hint"]
    assert "admin" not in json.dumps(said)


def test_without_a_model_it_says_so(desk, door):
    answer = door.post("classify", {"documents": [{"id": "1", "text": "一"}]}, door.token("classify"))
    assert answer.status_code == 503
    assert answer.json()["code"].startswith("ZF-")


@pytest.fixture
def armed(desk, trained, root):
    """The desk with a live model."""
    home = desk.settings.home
    shutil.copy(root / "corpora" / "dictionary.txt", home / "corpora")
    shutil.copytree(trained, home / "models" / trained.name)
    set_champion(home / "models", trained.name)
    yield desk
    LIVE.close()


def test_classifying_reads_with_the_encoder_once_it_is_set(
    armed, door, dense_trained, encoder, words, some_gold, monkeypatch
):
    from pipeline.documents import Document

    home = armed.settings.home
    shutil.copytree(dense_trained, home / "models" / dense_trained.name)
    set_champion(home / "models", dense_trained.name)
    text = some_gold[0].text
    body, token = {"documents": [{"id": "1", "text": text}]}, door.token("classify")
    refused = door.post("classify", body, token)
    assert refused.status_code == 503
    assert "ZF-ENCODER-NONE" in refused.json()["message"]
    monkeypatch.setenv("ZUOFENG_ENCODER", str(encoder))
    answer = door.post("classify", body, token)
    assert answer.status_code == 200, answer.json()
    (expected,) = Scorer(load_bundle(dense_trained), words, encoder=encoder).score([Document("1", text)])
    assert answer.json()["results"] == [json.loads(json.dumps(expected.to_dict()))]


def test_classifying_says_what_the_command_says(armed, door, scorer, some_gold):
    from pipeline.documents import Document

    texts = [Document(g.id, g.text) for g in some_gold[:5]]
    body = {"documents": [{"id": d.id, "text": d.text} for d in texts]}
    answer = door.post("classify", body, door.token("classify"))
    assert answer.status_code == 200, answer.json()
    assert answer.json()["results"] == [json.loads(json.dumps(p.to_dict())) for p in scorer.score(texts)]
    assert answer.json()["model"] == scorer.bundle.id

    assert Row.objects.count() == 40


def test_the_labels_have_names_in_both_languages(door, taxonomy):
    said = door.get("labels", door.token("classify")).json()
    assert [x["id"] for s in said["schemes"] for x in s["labels"]] == [label for _, label in taxonomy.columns]
    assert all(x["english"] and x["name"] for s in said["schemes"] for x in s["labels"])


def test_whatever_its_description_allows_is_answered_as_described(armed, door):
    """The real server, asked by schemathesis: no 5xx, statuses and bodies as they are described."""
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

    settings = load_settings(armed.settings.home, desk={"api_per_minute": 100_000})
    open_desk(settings, bring_up=False)
    token = door.token(*Grant)
    tried = {}
    with running(settings) as address:
        schema = schemathesis.openapi.from_dict(json.loads(json.dumps(api.get_openapi_schema())))
        schema.config.update(base_url=address)
        for result in schema.get_all_operations():
            operation = result.ok()

            @hypothesis.settings(
                max_examples=12,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=CHECKS,
            )
            @hypothesis.given(case=operation.as_strategy())
            def ask(case):
                answer = case.call(headers={"Authorization": f"Bearer {token}"})
                tried.setdefault(case.operation.label, []).append(answer.status_code)
                checks = [not_a_server_error, status_code_conformance, response_schema_conformance]
                case.validate_response(answer, checks=checks)

            ask()
    assert len(tried) == len(list(operations()))
    served = {name for name, codes in tried.items() if {200, 202} & set(codes)}
    # A made-up number is no document's.
    assert served == set(tried) - {"GET /api/v1/documents"}, tried


def test_the_page_on_the_interface_is_true(desk, door, root, capsys):
    """Every address, grant, setting and error code stands in it."""
    page = (root / "docs" / "desk" / "接口.md").read_text(encoding="utf-8")
    assert [p for p, _, _ in operations() if p not in page] == []
    code = "".join(p.read_text(encoding="utf-8") for p in (root / "pipeline" / "desk" / "api").glob("*.py"))
    assert [c for c in set(re.findall(r"ZF-[A-Z]+-[A-Z]+", code)) if f"`{c}`" not in page] == []
    assert [
        s for s in ("api_per_minute", "api_inbox", "--may classify", "zuofeng client revoke") if s not in page
    ] == []


def test_clients_from_the_command_line(desk, door):
    def zuofeng(*arguments):
        done = CliRunner().invoke(app, [*arguments, "--home", str(desk.settings.home)])
        return getattr(done.exception, "exit_code", done.exit_code), f"{done.output}{done.exception or ''}"

    code, said = zuofeng("client", "add", "督办", "--may", "read")
    assert (code, "只显示这一次" in said) == (0, True)
    token = said.split("令牌：")[1].split()[0]
    assert door.get("runs", token).status_code == 200
    assert door.post("documents", {}, token).status_code == 403
    assert zuofeng("client", "add", "督办", "--may", "read")[0] == 2
    assert zuofeng("client", "add", "另一个", "--may", "everything")[0] == 2
    assert token not in zuofeng("client", "list")[1]
    assert zuofeng("client", "revoke", "督办")[0] == 0
    assert door.get("runs", token).status_code == 401
    code, said = zuofeng("client", "revoke", "督办")
    assert (code, "ZF-CLIENT-NONE" in said) == (2, True)
    code, said = zuofeng("client", "openapi")
    assert set(json.loads(said)["paths"]) == {p for p, _, _ in operations()}
