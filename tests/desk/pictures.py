"""The pictures of the desk in ``docs/desk``: ``make pictures`` draws them anew from the documents of the tests."""

import base64
import contextlib
import json
import sqlite3
from pathlib import Path

import pytest
from desk.test_browser import PHONE, address, browser, server, sessions, visit  # noqa: F401

from pipeline.settings import load_settings

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "desk"
SHOWN = {
    "登录": (None, "/login"),
    "队列": ("senior", "/queue"),
    "复核": ("reviewer", "/documents/3"),
    "甄别表": ("senior", "/documents/2/worksheet"),
    "甄别条目": ("senior", "/rules"),
    "总览": ("senior", "/dashboard"),
    "一致": ("senior", "/agreement"),
    "导回": ("senior", "/roundtrip"),
    "留痕": ("auditor", "/audit"),
    "帐号": ("admin", "/users"),
    "两步登录": ("reviewer", "/second-factor"),
}


@pytest.fixture(scope="session")
def desk_labels():
    """Such as fit what the documents tell, which whoever looks at a picture reads."""
    return ["inaction_delay", "perfunctory_buckpassing"], ["poor_service_zombie", "indifference_to_masses"]


def keep(v, name):
    """Write what the window shows as WebP."""
    v.page.wait_for_load_state("networkidle")
    shot = v.context.new_cdp_session(v.page).send("Page.captureScreenshot", {"format": "webp", "quality": 72})
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.webp").write_bytes(base64.b64decode(shot["data"]))


@pytest.mark.parametrize("name", SHOWN)
def test_page(visit, name):  # noqa: F811
    role, url = SHOWN[name]
    v = visit(role)
    if name == "留痕":
        v.page.goto("/audit")
    v.page.goto(url)
    keep(v, name)


def test_keys(visit):  # noqa: F811
    v = visit("reviewer")
    v.open("D003")
    v.press("?")
    keep(v, "按键")


def test_dark(visit, address):  # noqa: F811
    v = visit("reviewer")
    v.context.add_cookies([{"name": "theme", "value": "dark", "url": address}])
    v.open("D003")
    keep(v, "复核-深色")


def test_phone(visit):  # noqa: F811
    v = visit("reviewer", viewport=PHONE, is_mobile=True, has_touch=True)
    v.open("D003")
    keep(v, "复核-手机")


def test_english(visit, address):  # noqa: F811
    v = visit("senior")
    v.context.add_cookies([{"name": "language", "value": "en", "url": address}])
    v.open("D003")
    keep(v, "英文")


def test_dial(visit, address, server):  # noqa: F811
    """With scores as spread out as a trained model's are."""
    name = load_settings(server[1]).store_url.rpartition("/")[2]
    with contextlib.closing(sqlite3.connect(server[1] / "state" / name, timeout=20)) as store, store:
        for number, decided, scores in store.execute("SELECT id, decided, scores FROM zuofeng_prediction").fetchall():
            given = {d["id"] for labels in json.loads(decided).values() for d in labels}
            sure = 1 - 0.4 * ((number * 7 % 41) / 41) ** 2 - 0.005
            low = (1 - sure) / 3
            said = {s: {i: sure if i in given else low for i in of} for s, of in json.loads(scores).items()}
            new = (json.dumps(said), sure if given else low, number)
            store.execute("UPDATE zuofeng_prediction SET scores = ?, problem_score = ? WHERE id = ?", new)
        # The page counts again after a night.
        store.execute("UPDATE zuofeng_run SET finished = '2026-09-01 03:30:00'")
    v = visit("senior")
    v.page.goto("/dashboard?promise=90#dial")
    keep(v, "工作量与风险")
