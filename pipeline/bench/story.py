"""The whole story on a fresh store, with the real commands: from the first night to a new model and back."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.corpus.gold import Gold
from pipeline.errors import BundleError
from pipeline.exchange.labelled import Labelled, to_record
from pipeline.model.registry import champion_id, list_models
from pipeline.settings import Settings, load_settings

__all__ = ["NEEDED", "Story", "tell"]

#: Runs one command of ``zuofeng`` and returns its exit code.
Run = Callable[[Sequence[str]], int]
Say = Callable[[str], None]

#: What has to stand in the trail at the end, beside every single review.
NEEDED = (
    "account.add", "reviews.read", "corpus.snapshot", "model.first", "model.train", "shadow.start", "model.promote",
    "model.rollback",
)  # fmt: skip
LEAST_TESTS = 300
#: Share of the reviews that are wrong.
NOISE = 0.1
_FILES = ("taxonomy.toml", "dictionary.txt", "concepts.toml", "training.toml")
_REVIEWERS = ("fenban1", "fenban2", "fenban3")


@dataclass(frozen=True, slots=True)
class Story:
    """What came of it: models before and after, decisions made (``final``: by the senior), trail, nights."""

    before: str
    after: str
    reviews: int
    final: int
    noisy: int
    trail: Counter[str]
    nights: tuple[str, ...]
    broken: int

    @property
    def missing(self) -> list[str]:
        """Actions that were done and do not stand in the trail, or not as often."""
        decided = sum(n for action, n in self.trail.items() if action.startswith("review."))
        done = Counter(dict.fromkeys(NEEDED, 1)) + Counter({"review.final": self.final})
        missing = [a for a, n in done.items() if self.trail[a] < n]
        return missing if decided >= self.reviews + self.final else [*missing, "review.*"]


def tell(corpora: Path, gold: Sequence[Gold], home: Path, run: Run, say: Say, *, texts: int, reviews: int) -> Story:
    """Walk the story in the empty folder ``home``; ``texts`` of ``gold`` are the corpus at the start.

    The others come in night by night. Raises whatever a command raises, save for a promotion that is refused: that is
    shown, and made with force.
    """
    settings, truth = _furnish(corpora, gold, home, texts=texts, first=2 * reviews, second=reviews)
    models = settings.path("models")

    def step(title: str, *commands: Sequence[str]) -> None:
        say(f"\n━━ {title}")
        for command in commands:
            say("$ zuofeng " + " ".join(command))
            run([*command, "--home", str(home)])

    def night(number: int) -> Sequence[str]:
        return ["nightly", "--source", str(home / "inbox" / f"{number}.jsonl")]

    step("一 起点：在小语料上训练第一个模型", ["train"])
    before = str(champion_id(models))
    step("二 第一夜", night(1))
    adding = [["user", "add", name, "--role", "reviewer"] for name in _REVIEWERS]
    step("三 建帐号", *adding, ["user", "add", "zuzhang", "--role", "senior"])
    people, senior = _people(settings, truth)
    say(f"\n━━ 四 {reviews} 次模拟的复核，{NOISE:.0%} 判错")
    said = people.work_off(reviews)
    final = people.settle(senior)
    say(f"{_counts(said)}；裁定 {final} 件；其中故意判错 {people.noisy} 次")
    reviewed = home / "复核.jsonl"
    snapshots = home / "corpora" / "snapshots"
    start = home / "corpora" / "gold" / "start.jsonl"
    step("五 取出判定，做快照", ["corpus", "reviews", "--out", str(reviewed)],
         ["corpus", "snapshot", str(start), str(reviewed)])  # fmt: skip
    data = next(snapshots.glob("*/data.jsonl"))
    step("六 重新训练", ["train", "--corpus", str(data)])
    after = next(m for m in list_models(models) if m != before)
    step("七 成对比较", ["compare", before, after, "--report", str(home / "比较.html")])
    step("八 陪跑一夜", ["shadow", "start", after, "--nights", "1", "--sample", "20"], night(2))
    spot = people.look_at_spot_checks()
    settled = people.settle(senior)
    say(f"复核的人看了抽查的件：{_counts(spot)}；裁定 {settled} 件")
    step("　 陪跑报告", ["shadow", "report"])
    why = f"加了 {said.total()} 次复核"
    try:
        step("九 启用", ["promote", after, "--reason", why])
    except BundleError as e:
        if e.code != "ZF-PROMOTE-REFUSED":
            raise
        say(str(e))
        step("　 被拒绝：为了演练接着走，写明理由强行启用", ["promote", after, "--force", "--reason", f"{why}；演练"])
    step("十 用新模型的一夜", night(3))
    step("十一 退回", ["rollback", "--reason", "演练：退得回来"])
    say("\n━━ 十二 留痕")
    step("　 模型沿革", ["models", "--history"])
    _print_trail(say)
    step("　 核验", ["audit", "verify"])
    return _ending(before, after, said.total() + spot.total(), final + settled, people.noisy)


def _furnish(
    corpora: Path, gold: Sequence[Gold], home: Path, *, texts: int, first: int, second: int
) -> tuple[Settings, dict[str, frozenset[str]]]:
    """Make the home: a corpus to start with, three inboxes of situations that it does not know, and the truth."""
    folder = home / "corpora"
    (folder / "gold").mkdir(parents=True)
    (home / "inbox").mkdir()
    for name in _FILES:
        if (corpora / name).is_file():
            shutil.copy(corpora / name, folder / name)
    tests = [g for g in gold if g.part == "test"]
    tests = tests[:: max(1, len(tests) // max(LEAST_TESTS, texts))]
    rest = [g for g in gold if g.part != "test"]
    known = rest[:: max(1, len(rest) // texts)]
    groups = {g.group for g in known}
    lines = [json.dumps(to_record(Labelled(g)), ensure_ascii=False) + "\n" for g in (*known, *tests)]
    (folder / "gold" / "start.jsonl").write_text("".join(lines), encoding="utf-8")
    fresh = [g for g in rest if g.group not in groups]
    # Neighbours in the corpus are of one kind: spread the nights over all of it.
    fresh = fresh[:: max(1, len(fresh) // (first + 2 * second))]
    day = dt.date(2026, 3, 1)
    cuts = (0, first, first + second, first + 2 * second)
    order = [g for n in range(7) for g in fresh[n::7]]
    for number in range(3):
        rows = [
            {"编号": g.id, "内容": g.text, "受理时间": str(day + dt.timedelta(number)), "渠道": "热线"}
            for g in order[cuts[number] : cuts[number + 1]]
        ]
        body = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
        (home / "inbox" / f"{number + 1}.jsonl").write_text(body, encoding="utf-8")
    truth = {g.id: frozenset(label for labels in g.labels.values() for label in labels) for g in fresh}
    return load_settings(home), truth


def _people(settings: Settings, truth: dict[str, frozenset[str]]):  # type: ignore[no-untyped-def]
    from pipeline.desk.configure import open_desk

    open_desk(settings)
    from pipeline.bench.reviewers import Reviewers
    from pipeline.desk.tables import User

    users = list(User.objects.filter(username__in=_REVIEWERS))
    return Reviewers(users, truth, noise=NOISE, seed=7), User.objects.get(username="zuzhang")


def _counts(said: Counter[str]) -> str:
    return "、".join(f"{kind} {n}" for kind, n in said.most_common()) + f"，共 {said.total()} 次"


def _print_trail(say: Say) -> None:
    """Print what was done to models and data one by one, what was done at the desk in numbers, and the nights."""
    from pipeline.desk.audit import ACTIONS
    from pipeline.desk.models import Run
    from pipeline.desk.tables import AuditEntry

    rows = AuditEntry.objects.order_by("number")
    for action, n in Counter(rows.values_list("action", flat=True)).most_common():
        say(f"  {ACTIONS[action]}（{action}）{n} 条")
    for e in rows:
        if e.action.partition(".")[0] in ("model", "shadow", "corpus", "reviews", "account"):
            reason = f" · {e.detail['reason']}" if e.detail.get("reason") else ""
            say(f"  第 {e.number} 条 {ACTIONS[e.action]} {e.target} · {e.actor}{reason}")
    for r in Run.objects.order_by("serial"):
        trials = f"，陪跑 {len(r.plan['shadow'])} 个" if r.plan.get("shadow") else ""
        say(f"  夜 {r.id}：{r.state}，模型 {r.model}，读入 {r.counts.get('read', 0)}{trials}")


def _ending(before: str, after: str, reviews: int, final: int, noisy: int) -> Story:
    from pipeline.desk.audit import verify
    from pipeline.desk.models import Run
    from pipeline.desk.tables import AuditEntry

    trail = Counter(AuditEntry.objects.values_list("action", flat=True))
    nights = tuple(Run.objects.order_by("serial").values_list("model", flat=True))
    return Story(before, after, reviews, final, noisy, trail, nights, len(verify()[2]))
