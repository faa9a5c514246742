"""A desk with forty documents and one account per role; copied for each test, migrated once."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from desk.cheap import cheaply, hashed_in_earnest, session_of

from pipeline.desk.configure import MEMORY, embedded_file, open_store
from pipeline.documents import text_hash
from pipeline.settings import Settings, load_settings

PASSWORD = "Qing-shi-lu-48"
ROOT = Path(__file__).resolve().parents[2]
MODEL = "m-1"

# Tests import tables as any module does: Django has to know some store before. Each opens its own.
open_store(MEMORY, bring_up=False)


@dataclass
class Desk:
    """An open desk: clients by role, documents by number."""

    settings: Settings
    columns: tuple

    def user(self, role, username=None):
        from pipeline.desk.tables import User

        return User.objects.get(username=username or role)

    def client(self, role=None, **options):
        from django.test import Client

        made = Client(**{"SERVER_NAME": "127.0.0.1", **options})
        if role:
            made.cookies["zuofeng_session"] = session_of(self.user(role))
        return made

    def add_user(self, username, role, **fields):
        from pipeline.desk.tables import User

        return User.objects.create_user(
            username=username, password=PASSWORD, role=role, must_change_password=False, **fields
        )

    def add(self, key, text, *, run=None, **fields):
        """Store one scored document; ``score``, ``decided`` (label → score) and ``spans`` (label → words) say how."""
        made = add_document(self.columns, key, text, run=run, **fields)
        self.take_in()
        return made

    def take_in(self):
        """Bring the queue up, as a night does at its end."""
        from pipeline.desk.cases import take_in

        return take_in()

    def reopen(self, **desk):
        """Open it with these settings of the desk."""
        from pipeline.desk.configure import open_desk

        open_desk(load_settings(self.settings.home, store=self.settings.store, desk=desk), bring_up=False)

    def night(self, day, hour=2):
        """Begin another night, in September."""
        from pipeline.desk.models import Run

        began = dt.datetime(2026, 9, day, hour, tzinfo=dt.UTC)
        return Run.objects.create(
            id=f"{began:%Y%m%dT%H%M%S}-bbbbbb", serial=day, source="in", model=MODEL, started=began
        )

    def case(self, key):
        from pipeline.desk.tables import Case

        return Case.objects.get(document__key=key)

    def decide(self, who, case, action="save", labels=None, **more):
        """Post a decision as a browser would; labels None: as the model says."""
        if labels is None:
            labels = [d["id"] for some in case.prediction.decided.values() for d in some]
        data = {"action": action, "label": labels, "text_hash": case.text_hash, "seconds": "3", **more}
        return who.post(f"/documents/{case.pk}/decide", data)


def add_document(columns, key, text, *, run=None, score=0.9, decided=None, spans=None, review=False, **meta):
    from pipeline.desk.models import Document, Prediction, Run

    decided = {columns[0][1]: 0.8} if decided is None else decided
    if run is None:
        run, _ = Run.objects.get_or_create(
            id="20260901T020000-aaaaaa",
            defaults={
                "serial": 1,
                "source": "in",
                "model": MODEL,
                "started": dt.datetime(2026, 9, 1, 2, tzinfo=dt.UTC),
                "finished": dt.datetime(2026, 9, 1, 3, tzinfo=dt.UTC),
                "state": "done",
                "counts": {"read": 40, "new": 40, "problems": 36, "review": 4, "rejected": 0, "changed": 0},
            },
        )
    schemes = list(dict.fromkeys(s for s, _ in columns))
    document, _ = Document.objects.update_or_create(
        key=key, defaults={"text": text, "text_hash": text_hash(text), "run": run, **meta}
    )
    evidence = [
        {"label": label, "start": text.index(w), "end": text.index(w) + len(w), "quote": w, "weight": 1.0 - i / 10}
        for label, words in (spans or {}).items()
        for i, w in enumerate(words)
    ]
    Prediction.objects.update_or_create(
        document=document,
        model=MODEL,
        defaults={
            "taxonomy": "zuofeng 1.0.0",
            "segmenter": "s",
            "dictionary": "d",
            "text_hash": document.text_hash,
            "is_problem": bool(decided),
            "problem_score": score,
            "review": review,
            "decided": {s: [{"id": i, "score": v} for i, v in decided.items() if (s, i) in columns] for s in schemes},
            "scores": {s: {i: decided.get(i, 0.1) for c, i in columns if c == s} for s in schemes},
            "evidence": evidence,
            "run": run,
        },
    )
    return document


#: One matter per document: texts that differ in numbers only would be near duplicates.
MATTERS = """
    低保复核 社保补缴 房产过户 公租房申请 营业执照变更 食品许可 医保报销 残疾证换领 退休认定 户口迁移
    宅基地确权 危房鉴定 路灯维修 下水道堵塞 噪声扰民 油烟直排 违建拆除 垃圾清运 树木修剪 停车划线
    学位登记 转学手续 校服收费 课后托管 老楼加梯 燃气改造 暖气不热 自来水发黄 公交改线 站台遮雨
    农机补贴 种粮补贴 河道采砂 水库放水 养殖污染 土地流转 工资拖欠 工伤认定 培训补贴 创业贷款
"""
UNITS = ("区城市管理局", "石坝镇人民政府", "桥头街道办事处", "区教育局")


@pytest.fixture(scope="session", autouse=True)
def _templates_tell():
    """Let the test client see what templates were given."""
    from django.template import Template
    from django.test.utils import instrumented_test_render

    plain, Template._render = Template._render, instrumented_test_render
    yield
    Template._render = plain


@pytest.fixture(scope="session", autouse=True)
def _cheaply():
    with cheaply():
        yield


@pytest.fixture(scope="session")
def desk_labels(taxonomy):
    """What the documents are said to be, of one scheme and of the other, in turn."""
    labels = [label for _, label in taxonomy.columns]
    return labels[:3], labels[8:12]


@pytest.fixture(scope="session")
def desk_home(tmp_path_factory, taxonomy, desk_labels, sqlite_tables):
    """A home whose store holds accounts and documents, to copy from."""
    home = tmp_path_factory.mktemp("desk") / "home"
    (home / "corpora").mkdir(parents=True)
    shutil.copy(ROOT / "corpora" / "taxonomy.toml", home / "corpora")
    settings = load_settings(home)
    settings.path("state").mkdir(mode=0o750)
    shutil.copy(sqlite_tables, embedded_file(settings.store_url))
    fill_desk(settings, taxonomy.columns, desk_labels)
    return home


@pytest.fixture(scope="session")
def desk_template(desk_home, desk_labels, postgres_tables, taxonomy):
    """The URL of a PostgreSQL database that holds the same, to clone."""
    import psycopg

    with psycopg.connect(on_server(postgres_tables, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE desk_template TEMPLATE {database_of(postgres_tables)}")
    url = on_server(postgres_tables, "desk_template")
    fill_desk(load_settings(desk_home, store=url), taxonomy.columns, desk_labels)
    return url


def on_server(base, name):
    """The URL of another database on the same server."""
    head, _, query = base.partition("?")
    return head.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")


def database_of(url):
    """The name of its database."""
    return url.partition("?")[0].rsplit("/", 1)[1]


def fill_desk(settings, columns, labels):
    """Put one account per role and forty documents into a store that has its tables."""
    from django.db import connections

    from pipeline.desk.configure import open_desk

    open_desk(settings, bring_up=False)
    from pipeline.desk.roles import ROLE_NAMES
    from pipeline.desk.tables import User

    for role, name in ROLE_NAMES.items():
        User.objects.create_user(
            username=role.value, password=PASSWORD, role=role.value, name=f"{name}甲", must_change_password=False
        )
    for n in range(40):
        words = f"窗口让我跑了{n + 3}趟还没办成"
        matter = MATTERS.split()[n]
        text = (
            f"第{n + 1}件：{matter}这件事，{words}，打12345热线没人接，也没有回复。"
            f"我的电话是139{n:08d}。请把{matter}尽快处理。"
        )
        first, other = (of[n % len(of)] for of in labels)
        add_document(
            columns,
            f"D{n + 1:03d}",
            text,
            score=0.5 + n / 100,
            decided={} if n >= 36 else {first: 0.8, other: 0.6},
            spans={} if n >= 36 else {first: [words], other: [words[2:6], "打12345热线没人接"]},
            review=n == 37,
            title=f"关于办事难的反映 {n + 1}",
            unit=UNITS[n % 4],
            district=("青石区", "云桥区")[n % 2],
            channel=("热线", "信访", "留言板")[n % 3],
            received=f"2026-08-{n % 28 + 1:02d} 09:00",
        )
    from pipeline.desk.cases import take_in

    take_in()
    connections.close_all()


@pytest.fixture(scope="session")
def browser_home(desk_home, tmp_path_factory, taxonomy):
    """The desk with three letters besides that differ by a word, and a session of each account."""
    from django.db import connections

    from pipeline.desk.cases import take_in
    from pipeline.desk.configure import open_desk
    from pipeline.desk.tables import User

    home = tmp_path_factory.mktemp("browser") / "home"
    shutil.copytree(desk_home, home)
    open_desk(load_settings(home), bring_up=False)
    for n, word in enumerate("五六七", 1):
        text = f"窗口人员反复让我补交材料，前后跑了{word}趟，也没有人接听电话，请有关部门尽快核实处理，我们住在石坝镇。"
        add_document(taxonomy.columns, f"T00{n}", text, score=0.5)
    take_in()
    User.objects.update(password=hashed_in_earnest(PASSWORD))
    # The first test of a suite may be an hour before its last.
    sessions = {u.username: session_of(u, seconds=24 * 3600) for u in User.objects.all()}
    (home / "sessions.json").write_text(json.dumps(sessions))
    connections.close_all()
    return home


_copies = itertools.count()


@pytest.fixture
def desk(request, desk_home, tmp_path, taxonomy):
    """A fresh copy of the desk; on PostgreSQL for tests that ask for it."""
    from django.db import connections

    from pipeline.desk.configure import open_desk

    home = tmp_path / f"desk{next(_copies)}"
    shutil.copytree(desk_home, home)
    with contextlib.ExitStack() as stack:
        store = None
        if getattr(request, "param", "sqlite") == "postgres":
            store = stack.enter_context(_clone(request.getfixturevalue("desk_template")))
        settings = load_settings(home, store=store, desk={"second_percent": 0})
        open_desk(settings, bring_up=False)
        yield Desk(settings, taxonomy.columns)
        connections.close_all()


@contextlib.contextmanager
def _clone(template):
    import psycopg

    name = f"desk{os.getpid()}_{next(_copies)}"
    base = on_server(template, "postgres")
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE desk_template")
        yield on_server(template, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def running(settings):
    """Run the real web server on a free port of this machine; yields its address."""
    from waitress import wasyncore

    from pipeline.desk.serve import make_server

    server = make_server(settings, port=0)
    stop = threading.Event()

    def loop():
        while not stop.is_set():
            wasyncore.poll(0.05, server._map)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        stop.set()
        thread.join()
        shut(server)


def shut(server):
    """Close a server with everything it opened."""
    from waitress import wasyncore

    server.task_dispatcher.shutdown()
    wasyncore.close_all(server._map, ignore_all=True)
    server.trigger.close()


@pytest.fixture
def serving():
    """The context in which some settings are served."""
    return running


@pytest.fixture
def served(desk):
    """The address of the desk behind its real web server."""
    with running(desk.settings) as address:
        yield address
