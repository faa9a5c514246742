import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.clean import clean
from pipeline.text.mask import find_personal_data, mask, may_be_starred

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_number(first_17: str) -> str:
    return first_17 + "10X98765432"[sum(int(d) * w for d, w in zip(first_17, WEIGHTS, strict=True)) % 11]


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("身份证" + id_number("11010519491231002") + "请核", "id_number", id_number("11010519491231002")),
        ("电话13812345678谢谢", "mobile", "13812345678"),
        ("身份证" + id_number("11010519491231002").replace("19491231", " 19491231 "), "id_number", "19491231"),
        ("ID" + id_number("11010519491231002"), "id_number", id_number("11010519491231002")),
        ("身份证110105 1949 1231 002X", "id_number", "110105 1949 1231 002X"),
        ("身份证11010519491231002×，王某", "id_number", "11010519491231002"),
        ("138——1234——5678", "mobile", "138——1234——5678"),
        ("电话13812345678.2023年5月报修", "mobile", "13812345678"),
        ("联系＋86 138 1234 5678", "mobile", "138 1234 5678"),
        ("Tel.13812345678", "mobile", "13812345678"),
        ("1.13812345678，王某", "mobile", "13812345678"),
        ("打013812345678", "mobile", "13812345678"),
        ("打008613812345678", "mobile", "13812345678"),
        ("138 123 45678", "mobile", "138 123 45678"),
        ("138—1234—5678", "mobile", "138—1234—5678"),
        ("138.0013.8000", "mobile", "138.0013.8000"),
        ("手机138·0013·8000。", "mobile", "138·0013·8000"),
        ("手机一三八〇〇一三八〇〇〇，王某", "mobile", "一三八〇〇一三八〇〇〇"),
        ("周一壹叁捌零零壹叁捌零零零一直关机", "mobile", "壹叁捌零零壹叁捌零零零"),
        ("打幺三八-零零一三-八零零零", "mobile", "幺三八-零零一三-八零零零"),
        ("手机1三8零零138零零零", "mobile", "1三8零零138零零零"),
        ("手机" + "".join(f"{d}\ufe0f\u20e3" for d in "13800138000"), "mobile", "13800138000"),
        ("号码13812345678元旦停机", "mobile", "13812345678"),
        ("Tel.0631-8812345", "landline", "0631-8812345"),
        ("打0631—8812345", "landline", "0631—8812345"),
        ("打(0631)-8812345", "landline", "(0631)-8812345"),
        ("打+86-631-8812345", "landline", "+86-631-8812345"),
        ("打了0631-8812345没人接", "landline", "0631-8812345"),
        ("打0631——8812345", "landline", "0631——8812345"),
        ("打0631−8812345", "landline", "0631−8812345"),
        ("打010-8888 1234", "landline", "010-8888 1234"),
        ("打0631 881 2345", "landline", "0631 881 2345"),
        ("联系电话：8812345，一直没人接", "landline", "8812345"),
        ("举报电话（办）88123456。", "landline", "88123456"),
        ("拨打8812345无人应答", "landline", "8812345"),
        ("对方说你打8812345", "landline", "8812345"),
        ("电话8234 5678没人接", "landline", "8234 5678"),
        ("联系电话：823-45678。", "landline", "823-45678"),
        ("热线 881 2345", "landline", "881 2345"),
        ("请联系8234——5678", "landline", "8234——5678"),
        ("联系方式：82345678", "landline", "82345678"),
        ("打款到银行卡4111111111111111", "bank_card", "4111111111111111"),
        ("卡号4111111111111111\n2、请退款", "bank_card", "4111111111111111"),
        ("打款到卡号6222021234567894 30元", "bank_card", "6222021234567894"),
        ("银行卡4111—1111—1111—1111", "bank_card", "4111—1111—1111—1111"),
        ("银行卡6222 0531 2345 6780", "bank_card", "6222 0531 2345 6780"),
        ("银行卡622202 1234567890128", "bank_card", "622202 1234567890128"),
        ("工行卡号9558801234567890128", "bank_card", "9558801234567890128"),
        ("低保金打到一卡通6217991234567890124没到", "bank_card", "6217991234567890124"),
        ("存折6217991234567890124上没有", "bank_card", "6217991234567890124"),
        ("招行6225880123456783", "bank_card", "6225880123456783"),
        ("联系电话：138123456782015年7月13日", "mobile", "13812345678"),
        ("联系电话138123456782015-7-13", "mobile", "13812345678"),
        ("王某0631-881234562015年7月13日", "landline", "0631-88123456"),
        ("王某0631-88123452015.07.13", "landline", "0631-8812345"),
        ("联系电话：88123452015年7月13日", "landline", "8812345"),
        ("身份证" + id_number("11010519491231000") + "2015年7月13日", "id_number", id_number("11010519491231000")),
        ("卡号62179912345678901242015年7月13日", "bank_card", "6217991234567890124"),
        ("会员编号13812345678", "mobile", "13812345678"),
        ("信用代码91110000600037341L的公司", "credit_code", "91110000600037341L"),
        ("车牌鲁K·12345一直停着", "plate", "鲁K·12345"),
        ("车牌鲁K-12345一直停着", "plate", "鲁K-12345"),
        ("车牌鲁K•12345一直停着", "plate", "鲁K•12345"),
        ("车牌鲁k12345一直停着", "plate", "鲁k12345"),
        ("新能源鲁KD12345", "plate", "鲁KD12345"),
        ("货车鲁K1234挂压坏了路", "plate", "鲁K1234挂"),
        ("驾校的鲁K·1234学", "plate", "鲁K·1234学"),
        ("发到zhang.san@example.com吧", "email", "zhang.san@example.com"),
    ],
)
def test_personal_data_is_found_and_masked_at_equal_length(text, kind, found):
    c = clean(text)
    assert [f.kind for f in c.personal] == [kind]
    assert len(c.masked_given()) == len(text)
    digits = [ch for ch in found if ch.isalnum()]
    assert "".join(digits) not in "".join(ch for ch in c.masked_given() if ch.isalnum())


@pytest.mark.parametrize(
    "text",
    [
        "身份证" + id_number("11010519491231002")[:-1] + "A",
        "编号110105194913310023号",  # the thirteenth month
        "工单20190301138123456789号",
        "共计4111111111111111元",  # right digits, no word of banking
        "银行卡4111111111111112",  # wrong digit
        "统一代码91110000600037341X",
        "面积12345678平方米",
        "下午3点@所有人",
        "工程投资13500000000元",
        "投入13812345678万元",
        "今年已收13812345678.50元",
        "比例0.13812345678",
        "诉求编号:(13040600318)",
        "诉求件编号FZ17120800278",
        "银行签署编号为33010120130038149的合同",
        "评标报价为9967645元",
        "今年已收13812345678.5亿",
        "编号2023-0531-2023-0012",
        "去年来电20240408没有回音",
        "传真20240408收到",
        "电话费8812345元",
        "货款打了3000000元",
        "打卡机编号6217991234567890124",
        "工单138123456782015号",
        "发票代码013001900104",
        "发票代码:044031900111,发票号码81234567",
        "发票代码/号码044031900111/81234567",
        "信访复字〔2019〕13812345678号",
        "(2019)第0531-8812345号",
        "合同金额:13800138000.00",
        "共¥13800138000",
        "货款打了2345678给他",
        "给他打了3000000",
        "一三八〇〇一三八〇〇〇元",
        "工单1380013800一直没办",
        "一三五七九二四六八〇一三五",
        "1️⃣整改2️⃣问责3️⃣通报",
        "北纬35.1380.0138",
        "热线2019-2023年的记录",
        "电话费300-4000元",
        "拨打400-8123-456",
        "每天拨打3000-5000次",
        "给他打了345 6789",
        "新system上线后点不开",
        "京server宕机",
    ],
)
def test_what_only_looks_like_personal_data_stays(text):
    assert find_personal_data(text) == []


def test_all_of_a_number_in_numerals_is_starred():
    assert clean("手机一三八○○一三八○○○，").masked_given() == "手机***********，"
    keys = "\ufe0f\u20e3"
    assert clean(f"打{keys.join('13800138000')}{keys}！").masked_given() == f"打{('*' + keys) * 11}！"


def test_words_that_end_in_numerals_may_be_starred():
    assert all(map(may_be_starred, ["一三八", "电话一三", "〇〇王某", "8", "鲁"]))
    assert not any(map(may_be_starred, ["懒政", "统一办理"]))


def test_an_id_and_the_telephone_run_together_are_both_masked():
    text = "王某11010519491231002X13812345678.13912345678"
    assert clean(text).masked_given() == "王某" + "*" * 29 + "." + "*" * 11


def test_each_of_several_numbers_within_the_town_is_masked():
    text = "医保中心（0746-8353066、8367386），电话8127190/8127192或8127193，13812345678/8812345"
    assert clean(text).masked_given() == (
        "医保中心（****-*******、*******），电话*******/*******或*******，***********/*******"
    )


@given(st.text("0123456789-—+ 1卡号身份证Xx@a.c鲁Kk·挂元一三〇\ufe0f\u20e3", max_size=80))
def test_found_spans_are_ordered_and_never_overlap(text):
    found = find_personal_data(text)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert len(mask(text, found)) == len(text)


def test_digits_of_other_scripts_are_no_credit_code():
    text = "91" + "\u0663" * 6 + "00M000100Y"
    assert find_personal_data(text) == []
