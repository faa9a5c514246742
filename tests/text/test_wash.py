import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.clean import clean
from pipeline.text.wash import wash

#: White space of all kinds, characters that become several or none, and numbers of people beside near misses.
ODD = [
    *" \n\t\u3000\u200b\ud800aB7路。)", "  ", " \n ", "ﷺ", "㎏", "１２", "繁體", "13812345678", "+86 139-1234-5678",
    "0731-88881234", "(0731)8888123", "(010) 12345678", "粤A12345", "粤B·D12345", "粤A D1234F", "粤C1234挂", "a@b.com",
    "0631——8812345", "010-8888 1234", "2015年7月", "存折",
    "11010519491231002×", "1101 0519 4912 3100 2X", "护照", "E12345678", "身份证", "110105491231002", "粤Z1234港",
    "1381 2345 678", "鲁K•12345", "鲁K-1234", "−", "―",
    "138.0013.8000", "一三八〇", "〇一三", "八○○○", "壹叁捌零零", "1️⃣3️⃣8️⃣", "0️⃣0️⃣", "新system", "代码", "013001900104",
    "电话", "联系", "8234", "5678", "823-45678", " 2345", "2019-2023", "电话8812345", "、8812346", "打88123456",
    "QQ：", "微信号", "VX:", "wang_", "4581236", "编号：", "13040600318", " 2、", "卡号4111111111111111",
    "银行卡号6222021234567890128", "11010519491231002X", "91350100M000100Y43", "2019-10-12", "٠١٢٣٤٥٦٧٨٩",
]  # fmt: skip


def same(texts):
    washed = wash(texts)
    assert len(washed.first) == len(texts) + 1
    for i, text in enumerate(texts):
        a, b = washed.first[i], washed.first[i + 1]
        reference = clean(text)
        assert washed.points[a:b].tobytes().decode("utf-32-le") == reference.text
        np.testing.assert_array_equal(washed.source[a:b], [reference.to_given(k, k + 1)[0] for k in range(b - a)])


@given(st.lists(st.lists(st.one_of(st.sampled_from(ODD), st.text(max_size=3)), max_size=20).map("".join), max_size=4))
def test_a_batch_equals_its_texts_one_by_one(texts):
    same(texts)


def test_prose_is_washed_as_one_by_one(draw):
    same([g.text for g in draw(600)])


def test_one_character_can_become_many():
    same(["ﷺ" * 500, ""])
