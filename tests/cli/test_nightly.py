from io import StringIO

from rich.console import Console

from pipeline.cli.nightly import Bar


def test_a_log_names_each_file_once_though_it_is_read_before_others_are_written():
    log = StringIO()
    with Bar(Console(file=log, width=80)) as bar:
        for number, name in ((1, "甲.csv"), (2, "乙.csv"), (1, "甲.csv"), (3, "甲.csv"), (2, "乙.csv"), (3, "甲.csv")):
            bar(number, 3, name, 0)
    assert log.getvalue().split("\n") == ["[1/3] 甲.csv", "[2/3] 乙.csv", "[3/3] 甲.csv", ""]
