from io import StringIO

import pytest
from rich.console import Console

from pipeline.batch.report import RunReport
from pipeline.cli.nightly import Bar, show
from pipeline.cli.screen import table
from pipeline.errors import SourceError


def test_a_log_names_each_file_once_though_it_is_read_before_others_are_written():
    log = StringIO()
    with Bar(Console(file=log, width=80)) as bar:
        for number, name in ((1, "甲.csv"), (2, "乙.csv"), (1, "甲.csv"), (3, "甲.csv"), (2, "乙.csv"), (3, "甲.csv")):
            bar(number, 3, name, 0)
    assert log.getvalue().split("\n") == ["[1/3] 甲.csv", "[2/3] 乙.csv", "[3/3] 甲.csv", ""]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"read": 0}, "一条也没有读到：没有新来件；本该有的，核对来源路径（zuofeng config）。"),
        ({"unchanged": 3}, "没有新内容：读到的文本都已按现行模型打过分。"),
        ({"unchanged": 2, "rejected": 1}, "没有新内容：读到的别的文本都已按现行模型打过分。"),
        ({"rejected": 3}, "没有新打分的文本。"),
    ],
)
def test_what_was_set_aside_is_not_said_to_have_been_scored(counts, said, taxonomy):
    log = StringIO()
    report = RunReport(run="r", model="m", sources=[], notices=["没有编号 → 写上列名"], **{"read": 3} | counts)
    show(report, taxonomy, Console(file=log, width=140))
    lines = log.getvalue().split("\n")
    assert said in lines
    assert "注意：没有编号 → 写上列名" in lines


def test_what_to_do_is_whole_on_a_narrow_screen():
    log = StringIO()
    todo = "".join(chr(0x4E00 + i) for i in range(90)) + "/var/lib/zuofeng/state"
    Console(file=log, width=60).print(table("", ("项目", "要做什么", "条数"), [("权限", todo, "1")], words=2))
    cells = [line.split("│")[2].strip() for line in log.getvalue().split("\n") if line.startswith("│")]
    assert "".join(cells) == todo


def test_a_rehearsal_does_not_say_that_there_is_no_problem_and_names_a_file_once(taxonomy):
    log = StringIO()
    report = RunReport(run="r", model="m", read=3, new=3, dry_run=True)
    report.cannot_read("/in/巡察.csv", SourceError("ZF-SRC-COLUMN", "巡察.csv 里没有正文列。", "改列名", ["读到：甲"]))
    show(report, taxonomy, Console(file=log, width=140))
    counts = next(line for line in log.getvalue().split("\n") if line.startswith("│"))
    assert [c.strip() for c in counts.split("│")][1:-1] == ["3", "3", "0", "0", "0", "0", "–", "–", "0.0"]
    assert "│ 巡察.csv 里没有正文列；读到：甲 → 改列名" in log.getvalue()
