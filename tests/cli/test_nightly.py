from io import StringIO

import pytest
from rich.console import Console

from pipeline.batch.report import RunReport
from pipeline.cli.nightly import Bar, show


def test_a_log_names_each_file_once_though_it_is_read_before_others_are_written():
    log = StringIO()
    with Bar(Console(file=log, width=80)) as bar:
        for number, name in ((1, "甲.csv"), (2, "乙.csv"), (1, "甲.csv"), (3, "甲.csv"), (2, "乙.csv"), (3, "甲.csv")):
            bar(number, 3, name, 0)
    assert log.getvalue().split("\n") == ["[1/3] 甲.csv", "[2/3] 乙.csv", "[3/3] 甲.csv", ""]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"unchanged": 3}, "没有新内容：读到的文本都已按现行模型打过分。"),
        ({"unchanged": 2, "rejected": 1}, "没有新内容：读到的别的文本都已按现行模型打过分。"),
        ({"rejected": 3}, "没有新打分的文本。"),
    ],
)
def test_what_was_set_aside_is_not_said_to_have_been_scored(counts, said, taxonomy):
    log = StringIO()
    report = RunReport(run="r", model="m", sources=[], read=3, notices=["没有编号 → 写上列名"], **counts)
    show(report, taxonomy, Console(file=log, width=140))
    lines = log.getvalue().split("\n")
    assert said in lines
    assert "注意：没有编号 → 写上列名" in lines
