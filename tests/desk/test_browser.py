"""The desk as staff use it: a real browser, the real server, the keyboard.

Nothing here touches the store: the browser's event loop and Django's ORM do not share a thread.
"""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from desk.conftest import PASSWORD
from desk.provider import new_key, serving
from django_otp.oath import totp
from playwright import sync_api

from pipeline.settings import load_settings

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
#: The identifier and the beginning of each element that breaks a rule: all else that axe knows takes long to hand over.
BROKEN = """options => axe.run(document, options).then(
    found => found.violations.flatMap(v => v.nodes.map(n => [v.id, n.html.slice(0, 160)])))"""
DESKTOP = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser(browser_home):
    """The system's Chromium: `make test` installs it, its absence is a failure."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.fail("chromium is not installed: make chromium")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def server(browser_home, tmp_path_factory):
    """`zuofeng serve` on a copy of the desk: its address and its store's file."""
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(browser_home, home)
    (home / "zuofeng.toml").write_text("[desk]\nsecond_percent = 0\n", encoding="utf-8")
    with served(home) as address:
        yield address, home


@contextlib.contextmanager
def served(home):
    """The address of `zuofeng serve`."""
    command = [sys.executable, "-m", "pipeline.cli", "serve", "--port", "0", "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout:
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    yield found[0]
                    break
            else:
                pytest.fail("the server did not start")
        finally:
            process.terminate()
            process.wait(20)
    assert process.returncode == 0


@contextlib.contextmanager
def store_of(home):
    """The file of the store, for what no page does."""
    name = load_settings(home).store_url.rpartition("/")[2]
    with contextlib.closing(sqlite3.connect(home / "state" / name, timeout=20)) as store, store:
        yield store


@pytest.fixture
def address(server, browser_home):
    """The address of the server, its store as it was in the beginning."""
    where, home = server
    name = load_settings(home).store_url.rpartition("/")[2]
    with (
        contextlib.closing(sqlite3.connect(browser_home / "state" / name)) as fresh,
        contextlib.closing(sqlite3.connect(home / "state" / name, timeout=20)) as used,
    ):
        fresh.backup(used)
    return where


@pytest.fixture(scope="module")
def sessions(browser_home):
    """Session numbers by account: signing in has its own tests."""
    return json.loads((browser_home / "sessions.json").read_text())


class Visitor:
    """One signed-in browser window, on the page ``at`` if any; whatever it complains of is kept."""

    def __init__(self, browser, address, session=None, viewport=DESKTOP, at=None, **options):
        self.context = browser.new_context(viewport=viewport, locale="zh-CN", base_url=address, **options)
        self.page = self.context.new_page()
        self.complaints = []
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        # Waited for only where a page does not come: a busy machine may take long over one.
        self.page.set_default_timeout(60_000)
        if session:
            self.context.add_cookies([{"name": "zuofeng_session", "value": session, "url": address}])
            if at:
                self.page.goto(at)

    def enter(self, username, password=PASSWORD):
        self.page.goto("/login")
        self.page.fill("[name=username]", username)
        self.page.fill("[name=password]", password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)
        self.page.wait_for_load_state()  # keys count from here on

    def ready(self):
        """Wait until the document may be decided."""
        self.page.wait_for_selector("[data-decide][data-ready]")

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def open(self, key):
        """Documents are numbered in the order of `fill_desk`, the letters of `browser_home` after them."""
        self.page.goto(f"/documents/{int(key[1:]) + 40 * (key[0] == 'T')}")
        self.ready()
        assert key in self.page.title()

    def faults(self, rules=None):
        """What axe finds by these rules, else by all of WCAG 2.1 AA, as (rule, element)."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        rules = rules or ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
        return self.page.evaluate(BROKEN, {"runOnly": rules, "resultTypes": ["violations"]})


@pytest.fixture
def visit(browser, address, sessions):
    """Open windows, signed in as the account that is named; none of them may have complained."""
    windows = []

    def new(role=None, **options):
        windows.append(Visitor(browser, address, role and sessions[role], **options))
        return windows[-1]

    yield new
    complaints = [c for w in windows for c in w.complaints]
    for window in windows:
        window.context.close()
    assert complaints == []


def test_one_signs_in_at_the_offices_own_provider(browser, browser_home, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(browser_home, home)
    with serving(home, new_key(), who="reviewer") as provider:
        (home / "zuofeng.toml").write_text(
            f'[desk.sign_on]\noidc_issuer = "{provider.issuer}"\noidc_client = "zuofeng"\n'
            'oidc_secret_file = "oidc.secret"\n',
            encoding="utf-8",
        )
        with served(home) as address:
            v = Visitor(browser, address)
            v.page.goto("/queue")
            v.page.click("text=单位统一登录")
            v.page.wait_for_selector("text=分办员甲")
            assert v.page.locator(".case").count() > 0
            provider.who = "nobody"
            stranger = Visitor(browser, address)
            stranger.page.goto("/login")
            stranger.page.click("text=单位统一登录")
            stranger.page.wait_for_selector("text=复核台里没有您的帐号")
            v.context.close()
            stranger.context.close()
    assert v.complaints == []


def test_ten_documents_with_nothing_but_the_keyboard(visit):
    v = visit("reviewer", at="/")
    v.press("n")
    seen = []
    for turn in range(10):
        v.ready()
        seen.append(v.page.url)
        save = v.page.locator("[data-save] span")
        assert save.inner_text() == "确认"
        if turn == 3:
            v.press("6")
            assert save.inner_text() == "保存更正"
            v.press("6")
            assert save.inner_text() == "确认"
            v.press("6", "Enter")
        elif turn == 5:
            v.press("x")
        elif turn == 7:
            v.press("v")
        elif turn == 8:
            v.press("b")
            v.page.keyboard.type("去过现场")
            v.press("Enter")
        else:
            v.press("Enter")
        v.page.wait_for_url(lambda url: url != seen[-1])
    assert len(set(seen)) == 10
    assert v.page.url.endswith("/queue")
    v.page.goto("/queue?state=done")
    assert v.page.locator(".case").count() == 9
    v.page.goto("/queue?state=disputed")
    assert v.page.locator(".case").count() == 1
    v.page.goto("/dashboard")
    row = v.page.locator("table tr", has_text="分办员甲").inner_text().split()
    assert row == ["分办员甲", "10", "7", "1", "1", "1"]


def test_the_key_that_saved_does_not_save_the_next_one_too(visit):
    v = visit("reviewer", at="/")
    v.press("n")
    v.ready()
    first = v.page.url
    v.press("Enter", "Enter", "Enter")
    v.page.wait_for_url(lambda url: url != first)
    second = v.page.url
    v.press("Enter", "x")
    v.ready()
    assert v.page.url == second
    assert v.page.locator(".progress").inner_text() == "我手上第 1 件，共 9 件"


def test_a_stroke_of_enter_on_an_empty_blind_form_is_no_label(visit, server):
    v = visit("reviewer")
    with store_of(server[1]) as store:
        store.execute("UPDATE zuofeng_case SET blind = 1 WHERE document_id IN (1, 2)")
    save = v.page.locator("[data-save] span")
    for key, keys, said in (("D001", ["x"], "D001：已判"), ("D002", ["3", "Enter"], "D002：已判")):
        v.open(key)
        url = v.page.url
        assert save.inner_text() == "还没有勾标签"
        v.press("Enter")
        v.page.wait_for_selector("#said:has-text('没有问题按“无此问题”（X）')")
        v.press("3", "3", "Enter")
        assert v.page.url == url
        v.press(*keys[:1])
        assert key == "D001" or save.inner_text() == "保存"
        v.press(*keys[1:])
        v.page.wait_for_selector(f"#said:has-text('{said}')")


def test_undo_brings_the_document_back(visit):
    v = visit("reviewer", at="/")
    v.press("n")
    v.ready()
    first = v.page.url
    v.press("x")
    v.page.wait_for_url(lambda url: url != first)
    v.ready()
    v.press("z")
    v.page.wait_for_url(first)
    v.ready()
    v.page.wait_for_selector("#said:has-text('已撤销')")
    assert "撤销" in v.page.locator(".made").inner_text()
    assert v.page.locator("[data-save] span").inner_text() == "确认"


def test_a_label_shows_its_words_and_words_show_their_label(visit):
    v = visit("reviewer")
    v.open("D003")
    row = v.page.locator(".label.by-model").first
    label = row.get_attribute("data-label")
    row.hover()
    lit = v.page.locator("mark.on")
    assert lit.count() >= 1
    assert all(label in m.get_attribute("data-labels").split() for m in lit.all())
    dimmed = v.page.locator("mark.off")
    assert all(label not in m.get_attribute("data-labels").split() for m in dimmed.all())
    assert lit.count() + dimmed.count() == v.page.locator("mark").count()
    # Words that speak for several labels take the colour of the one that is pointed at.
    hue = "e => getComputedStyle(e).getPropertyValue('--hue')"
    for row in v.page.locator(".label.by-model").all():
        row.hover()
        assert {m.evaluate(hue) for m in lit.all()} == {row.evaluate(hue)} != {""}
    v.page.mouse.move(5, 5)
    assert v.page.locator("mark.on, mark.off").count() == 0
    v.press("f")
    focused = v.page.locator("mark:focus")
    wanted = focused.get_attribute("data-labels").split()[0]
    v.press("Enter")
    assert v.page.evaluate("document.activeElement.value") == wanted
    v.page.locator("mark").last.click()
    assert v.page.evaluate("document.activeElement.name") == "label"


def test_the_queue_by_keyboard(visit):
    v = visit("reviewer", at="/")
    v.press("/")
    v.page.keyboard.type("D012")
    v.press("Enter")
    v.page.wait_for_url("**q=D012*")
    assert v.page.locator(".case").count() == 1
    v.press("Escape", "ArrowDown", "Enter")
    v.page.wait_for_url("**/documents/*")
    assert "办事难的反映 12" in v.page.locator("h1").inner_text()
    v.ready()
    v.press("g")
    v.page.wait_for_url("**/queue?q=D012*")
    assert v.page.locator(".case").count() == 1


def test_the_help_sheet_opens_and_closes_and_no_key_acts_behind_it(visit):
    v = visit("reviewer")
    v.open("D001")
    url = v.page.url
    v.press("?")
    assert v.page.locator("dialog#keys[open]").is_visible()
    v.press("x", "1")
    assert v.page.url == url
    v.press("Escape")
    assert not v.page.locator("dialog#keys").is_visible()
    assert v.page.locator("[data-save] span").inner_text() == "确认"


def test_letters_typed_into_a_field_are_letters(visit):
    v = visit("reviewer")
    v.open("D001")
    url = v.page.url
    v.press("b")
    v.page.keyboard.type("xvzn1")
    assert v.page.input_value("[data-note]") == "xvzn1"
    assert v.page.url == url
    v.press("Escape", "q")
    assert v.page.locator("[data-save] span").inner_text() == "保存更正"


def test_somebody_elses_document_cannot_be_decided(visit):
    one, two = visit("reviewer"), visit("senior")
    one.open("D001")
    two.page.goto(one.page.url)
    assert "分办员甲 正在办这件" in two.page.locator("main").inner_text()
    assert two.page.locator("[data-save]").count() == 0


def test_revealing_takes_a_reason(visit):
    v = visit("senior")
    v.open("D002")
    assert "13900000001" not in v.page.locator(".text").inner_text()
    v.page.click(".personal summary")
    v.page.fill("[name=reason]", "需要回电核实")
    v.page.click(".personal button")
    v.page.wait_for_selector("text=以下是未遮盖的原文")
    assert "13900000001" in v.page.locator(".text").inner_text()


def test_dark_is_dark_and_stays(visit):
    v = visit("reviewer", at="/")
    v.page.click("text=深色")
    v.page.wait_for_selector("html[data-theme=dark]")
    brightness = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).every(c => c < 60)"
    assert v.page.evaluate(brightness)
    v.open("D001")
    assert v.page.evaluate(brightness)
    v.page.click("text=浅色")
    v.page.wait_for_selector("html[data-theme=light]")
    assert not v.page.evaluate(brightness)


def test_a_phone_shows_everything_without_sideways_scrolling(visit, server):
    with store_of(server[1]) as store:
        one, two = (
            row[0]
            for row in store.execute("SELECT id FROM zuofeng_user WHERE role IN ('reviewer', 'senior') ORDER BY id")
        )
        said = [(1, one, two), (1, two, one), (2, one, two), (2, two, None), (3, two, one), (3, one, None)]
        new = "INSERT INTO zuofeng_note (document_id, by_id, to_id, at, text) VALUES (?, ?, ?, '2026-09-01', '算吗')"
        store.executemany(new, said)
    v = visit("reviewer", at="/", viewport=PHONE, is_mobile=True, has_touch=True)
    sideways = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not v.page.evaluate(sideways)
    assert v.page.locator(".told").all_inner_texts() == ["问我的 1 件", "回了我的 1 件"]
    v.page.locator("button", has_text="取下十件").tap()
    v.ready()
    first = v.page.url
    assert not v.page.evaluate(sideways)
    for name in ("确认", "无此问题", "拿不准"):
        box = v.page.locator(".buttons button", has_text=name).bounding_box()
        assert box["y"] + box["height"] <= PHONE["height"]
        assert box["height"] >= 44
    v.page.locator(".buttons button", has_text="无此问题").tap()
    v.page.wait_for_url(lambda url: url != first)
    v.page.goto("/dashboard")
    assert not v.page.evaluate(sideways)


def test_a_small_laptop_keeps_the_buttons_in_sight(visit):
    v = visit("reviewer")
    v.open("D001")
    box = v.page.locator("[data-save]").bounding_box()
    assert box["y"] + box["height"] <= DESKTOP["height"]
    assert not v.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_on_paper_stand_the_case_and_who_printed_it(visit):
    v = visit("reviewer")
    v.page.goto("/documents/1/paper")
    v.page.emulate_media(media="print")
    assert not v.page.locator("header.top").is_visible()
    assert "分办员甲（reviewer）" in v.page.locator("main").inner_text()


def test_sign_in_out_and_the_way_back(visit):
    v = visit()
    v.page.goto("/queue?q=D001")
    v.page.fill("[name=username]", "reviewer")
    v.page.fill("[name=password]", PASSWORD)
    v.press("Enter")
    v.page.wait_for_url("**/queue?q=D001")
    v.page.click(".menu summary")
    v.page.click("text=退出")
    v.page.wait_for_url("**/login")
    v.page.goto("/queue")
    assert "/login" in v.page.url


def test_wrong_passwords_are_slowed_down(browser, address):
    v = Visitor(browser, address)
    for _ in range(6):
        v.page.goto("/login")
        v.page.fill("[name=username]", "reviewer")
        v.page.fill("[name=password]", "wrong")
        v.press("Enter")
        v.page.wait_for_selector("[role=alert]")
    assert "15 分钟" in v.page.locator("[role=alert]").inner_text()
    v.context.close()


def test_a_doubtful_document_is_settled_by_the_senior(visit):
    one, senior = visit("reviewer"), visit("senior")
    one.open("D005")
    one.press("v")
    one.page.wait_for_url("**/queue*")
    senior.page.goto("/queue?state=disputed")
    senior.page.click("a.open")
    senior.ready()
    assert "拿不准" in senior.page.locator(".made").inner_text()
    # Whatever is said above and beside the text, the buttons are in sight.
    box = senior.page.locator("[data-save]").bounding_box()
    assert box["y"] + box["height"] <= DESKTOP["height"]
    senior.press("x")
    senior.page.wait_for_url("**/queue*")
    senior.page.goto("/queue?state=done")
    assert senior.page.locator(".case").count() == 1


def test_a_worksheet_is_written_and_kept(visit):
    v = visit("senior")
    v.open("D001")
    v.page.click("text=容错甄别表")
    v.page.wait_for_url("**/worksheet")
    for box in v.page.locator("textarea").all()[:6]:
        box.fill("看过")
    v.page.select_option("[name=outcome]", label="不实：澄清正名")
    v.page.click("button:has-text('保存')")
    v.page.wait_for_selector("text=结论：不实：澄清正名")


def test_a_workbook_goes_out_and_comes_back_with_a_conflict(visit, tmp_path):
    from openpyxl import load_workbook

    senior, one = visit("senior"), visit("reviewer")
    senior.page.goto("/queue?q=办事难")
    with senior.page.expect_download() as download:
        senior.page.click("button:has-text('导出')")
    path = tmp_path / "out.xlsx"
    download.value.save_as(path)
    book = load_workbook(path)
    sheet = book.worksheets[0]
    at = {c.value: c.column for c in sheet[2]}
    keys = [sheet.cell(row, at["编号"]).value for row in (3, 4)]
    for row in (3, 4):
        sheet.cell(row, at["判定"]).value = "无此问题"
    book.save(path)
    one.open(keys[0])
    one.press("Enter")
    one.page.wait_for_url("**/queue*")
    one.page.goto("/roundtrip")
    one.page.set_input_files("[name=file]", path)
    one.page.click("button:has-text('看预览')")
    one.page.wait_for_selector("text=导出之后别人判过")
    one.page.click("button:has-text('保存这 1 件')")
    one.page.wait_for_selector("text=已保存 1 件")


def test_near_duplicates_are_shown_and_decided_once(visit):
    v = visit("reviewer")
    v.open("T001")
    assert "还有 2 件，一并判" in v.page.locator(".same").inner_text()
    v.page.click(".twins summary")
    assert "T002" in v.page.locator(".twins").inner_text()
    v.page.click("h1")
    v.press("c", "c", "Enter")
    v.page.wait_for_url("**/queue*")
    v.page.wait_for_selector("#said:has-text('共 3 件')")
    v.page.goto("/queue?state=done")
    assert v.page.locator(".case").count() == 3


def test_a_window_that_is_closed_gives_back_what_it_only_opened(visit):
    one, other = visit("reviewer"), visit("senior")
    one.open("D001")
    address = one.page.url

    def held():
        other.page.goto("/queue?state=all&q=D001")
        return "正在办" in other.page.locator(".case").inner_text()

    one.page.reload()
    one.ready()
    beside = one.context.new_page()
    beside.goto(address)
    beside.wait_for_selector("[data-decide][data-ready]")
    beside.goto("about:blank")
    assert held()
    one.page.click("a:has-text('打印')")
    one.page.wait_for_url("**/paper")
    assert held()
    one.page.go_back()
    one.ready()
    assert held()
    one.page.goto("about:blank")
    assert not all(held() for _ in range(50))


def test_an_administrator_makes_an_account_and_its_owner_chooses_a_password(visit):
    admin, new = visit("admin"), visit()
    admin.page.goto("/users")
    admin.page.fill("[name=username]", "xin")
    admin.page.fill("[name=name]", "新来的")
    admin.page.select_option(".stack select[name=role]", label="分办员")
    admin.page.click("button:has-text('建帐号')")
    first = admin.page.locator(".secret").inner_text()
    new.enter("xin", first)
    assert new.page.url.endswith("/password")
    for field, value in (("old", first), ("new", "Bei-tang-77-x"), ("again", "Bei-tang-77-x")):
        new.page.fill(f"[name={field}]", value)
    new.press("Enter")
    new.page.wait_for_url("**/queue")
    assert "新来的" in new.page.locator(".menu").inner_text()


PAGES = {
    None: ["/login", "/login?next=/queue"],
    "reviewer": ["/queue", "/queue?state=all&q=没有的", "/documents/1", "/documents/40", "/password", "/second-factor"],
    "senior": [
        "/queue?state=all&unit=区教育局",
        "/documents/2",
        "/documents/3/paper",
        "/dashboard",
        "/documents/2/worksheet",
        "/rules",
        "/agreement",
        "/roundtrip",
    ],
    "auditor": ["/audit", "/documents/1", "/dashboard"],
    "admin": ["/users", "/dashboard"],
}


@pytest.mark.parametrize("role", PAGES)
def test_axe_finds_nothing(visit, role):
    """Every rule in light; dark only renames colours, so there only contrast can differ."""
    v = visit(role)
    faults = {}

    def look(at):
        for theme, rules in (("light", None), ("dark", ["color-contrast"])):
            v.page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
            faults[theme, at] = v.faults(rules)

    for url in PAGES[role]:
        v.page.goto(url)
        v.page.evaluate("document.querySelectorAll('main details').forEach((d, i) => d.open = i < 4)")
        look(url)
    if role == "reviewer":
        v.press("?")
        look("keys")
    assert {at: f for at, f in faults.items() if f} == {}


def test_axe_would_find_what_is_broken(visit):
    v = visit()
    v.page.goto("/login")
    v.page.evaluate("""() => {
        document.querySelector('main').insertAdjacentHTML('beforeend', '<img src="/static/desk/mark.svg"><p>看清</p>');
        document.querySelector('main > p:last-child').style.color = '#ccc';
    }""")
    assert {rule for rule, _ in v.faults()} == {"image-alt", "color-contrast"}
    assert {rule for rule, _ in v.faults(["color-contrast"])} == {"color-contrast"}


def test_the_pages_speak_chinese(visit):
    v = visit("senior")
    for url in ("/queue", "/documents/1", "/dashboard", "/password"):
        v.page.goto(url)
        assert v.page.evaluate("document.documentElement.lang") == "zh-CN"
        text = v.page.locator("body").inner_text()
        words = set(re.findall(r"[A-Za-z]{4,}", text)) - {"senior"}
        assert words <= {"Excel", "English"}, words


def test_a_reader_of_english_finds_the_way_and_the_keys_still_work(visit):
    v = visit("senior")
    v.page.goto("/queue")
    v.page.click("button:has-text('English')")
    v.page.wait_for_selector("html[lang=en]")
    assert "Overview" in v.page.locator("header nav").inner_text()
    v.open("D001")
    assert v.page.locator("[data-save] span").inner_text() == "Confirm"
    v.press("q")
    assert v.page.locator("[data-save] span").inner_text() == "Save correction"
    v.press("q", "x")
    v.page.wait_for_url("**/queue*")
    faults = {}
    for url in ("/queue", "/documents/2", "/dashboard", "/agreement", "/roundtrip"):
        v.page.goto(url)
        shown = v.page.evaluate(
            "[...document.querySelectorAll('header, .actions, .filters > label > .sr, h1 + nav, .head button')]"
            ".map(e => e.innerText).join(' ')"
        )
        assert set(re.findall(r"[\u4e00-\u9fff]+", shown)) <= {"中文", "复核组长甲"}, shown
        faults[url] = v.faults()
    assert {at: f for at, f in faults.items() if f} == {}
    v.page.click("button:has-text('中文')")
    v.page.wait_for_selector("html[lang=zh-CN]")


def test_a_phone_is_taken_on_and_asked_for(visit):
    """The digits are worked out from the secret that the page shows, as an authenticator would."""
    import base64

    v, again = visit("analyst", at="/"), visit()
    v.page.click(".menu summary")
    v.page.click("text=两步登录")
    v.page.wait_for_url("**/second-factor")
    assert v.page.locator(".code svg").bounding_box()["width"] > 100
    key = base64.b32decode(v.page.locator("code.secret").inner_text().replace(" ", ""))
    v.page.fill("[name=code]", f"{totp(key):06d}")
    v.page.fill("[name=password]", PASSWORD)
    v.page.click("text=打开两步登录")
    v.page.wait_for_selector(".codes code")
    codes = v.page.locator(".codes code")
    assert codes.count() == 8
    again.page.goto("/login")
    again.page.fill("[name=username]", "analyst")
    again.page.fill("[name=password]", PASSWORD)
    again.press("Enter")
    again.page.wait_for_url("**/login/code")
    assert again.faults() == []
    again.page.fill("[name=code]", codes.first.inner_text())
    again.press("Enter")
    again.page.wait_for_url("**/dashboard")


def test_what_was_chosen_and_written_stays_while_one_looks_elsewhere(visit):
    v = visit("senior", at="/")
    v.press("n")
    v.ready()
    first, save = v.page.url, v.page.locator("[data-save] span")
    v.press("6", "b")
    v.page.keyboard.type("去过现场")
    v.press("Escape", "j")
    v.page.wait_for_url(lambda url: url != first)
    v.ready()
    assert save.inner_text() == "确认"
    v.press("k")
    v.page.wait_for_url(first)
    v.ready()
    assert (save.inner_text(), v.page.input_value("[data-note]")) == ("保存更正", "去过现场")
    v.page.fill("[name=text]", "请看一下")
    v.page.click("text=留话")
    v.page.wait_for_selector(".talk p:has-text('请看一下')")
    v.ready()
    assert (save.inner_text(), v.page.input_value("[data-note]")) == ("保存更正", "去过现场")
    assert v.page.input_value("[name=text]") == ""
    v.press("Enter")
    v.page.wait_for_url(lambda url: url != first)
    v.ready()
    v.press("z")
    v.page.wait_for_url(first)
    v.ready()
    assert (save.inner_text(), v.page.input_value("[data-note]")) == ("确认", "")
    assert "去过现场" in v.page.locator(".made").inner_text()


def test_a_session_that_ends_in_mid_work_loses_nothing_and_shows_nobody_else(visit):
    v = visit("senior")
    for writes, reads in (("senior", "看过"), ("reviewer", "")):
        v.page.goto("/documents/1")
        v.ready()
        v.page.click("text=容错甄别表")
        v.page.wait_for_url("**/worksheet")
        v.page.locator("textarea").first.fill("看过")
        v.context.clear_cookies(name="zuofeng_session")
        v.page.click("button:has-text('保存')")
        v.page.wait_for_selector("text=刚才这一步没有保存")
        v.page.fill("[name=username]", writes)
        v.page.fill("[name=password]", PASSWORD)
        v.press("Enter")
        if reads:
            v.page.wait_for_url("**/worksheet")
            sync_api.expect(v.page.locator("textarea").first).to_have_value("看过")
            v.page.click("button:has-text('保存')")
            v.page.wait_for_selector("text=存过 1 次")
            v.page.locator("textarea").first.fill("再看过")
            assert v.page.evaluate("!dispatchEvent(new Event('beforeunload', {cancelable: true}))")
    v.page.wait_for_selector("text=您的角色不能打开这一页")
    assert v.page.evaluate("dispatchEvent(new Event('beforeunload', {cancelable: true}))")
    v.complaints.clear()  # of the refusal


def test_who_cannot_reach_the_desk_is_told_and_saves_later(visit):
    v = visit("reviewer")
    v.open("D001")
    v.press("6")
    v.context.set_offline(True)
    v.press("Enter")
    v.page.wait_for_selector("#said:has-text('连不上复核台')")
    v.context.set_offline(False)
    v.complaints.clear()  # of the line
    v.press("Enter")
    v.page.wait_for_selector("#said:has-text('D001：更正。按 Z 撤销')")
    # The page that says so is the queue, after the last document: the key is there too.
    assert "/queue" in v.page.url
    v.page.wait_for_selector("[data-key=z][data-ready]")
    v.press("z")
    v.page.wait_for_selector("#said:has-text('已撤销')")
    assert v.page.evaluate("document.activeElement.id") == "main"


def test_a_whole_page_is_given_at_once_also_at_twice_the_size(visit):
    v = visit("senior", at="/", viewport={"width": DESKTOP["width"] // 2, "height": DESKTOP["height"] // 2})
    sideways = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not v.page.evaluate(sideways)
    v.page.check("text=全选这一页")
    v.page.locator(".pick input").first.uncheck()
    v.page.select_option("[name=to]", label="分办员甲")
    v.page.click("text=把选中的分给")
    v.page.wait_for_selector("#said:has-text('分给 分办员甲 29 件')")
    v.open("D001")
    assert v.page.locator(".label kbd").first.is_visible()
    assert not v.page.evaluate(sideways)
