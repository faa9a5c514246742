import pytest

from pipeline.desk.charts import _check, bars, lines


def test_names_are_text_in_a_picture_whatever_they_hold():
    picture = bars([("<script>alert(1)</script>", 3), ('" onload="x', 2)], 'a "b" <c>')
    assert "<script" not in picture
    assert "&lt;script" in picture
    assert 'aria-label="a &quot;b&quot; &lt;c&gt;"' in picture
    _check(picture)


@pytest.mark.parametrize(
    "drawn",
    ["<svg><script/></svg>", '<svg onload="x"/>', "<svg><foreignObject/></svg>", '<svg><g style="x"/></svg>'],
)
def test_more_than_shapes_and_text_is_refused(drawn):
    with pytest.raises(ValueError, match="more than shapes"):
        _check(drawn)


def test_a_trend_draws_one_line_per_name():
    picture = lines([("09-01", "甲", 1), ("09-02", "甲", 2), ("09-01", "乙", 3), ("09-02", "乙", 1)], "趋势")
    assert "甲" in picture
    assert "乙" in picture
