"""Personal data of China: found by shape and check digit, masked at equal length so that offsets stay."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["BEFORE", "BEHIND", "NUMERALS", "Found", "find_personal_data", "mask", "may_be_starred", "search"]

# `\b` sees no border between 汉字 and digits, hence the lookarounds.
_NOT_BEFORE, _NOT_AFTER = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
#: Between the groups of a number: a blank, a hyphen, or what stands for one; a Chinese dash has two signs.
_GAP = "(?:[- ‐–—―−]{1,2})"
_DOT = "[.·•・]"
# Not the decimals of a number; what a list is numbered with is not one, nor a telephone.
_BEGIN = r"(?:(?<!\d)(?<!\d\.)|(?<![\d.])[1-9]\d?\.|(?<=\d{7}\.))"
# Where line breaks are lost, a number runs into the date of the letter.
_DATED = r"(?=(?:19|20)\d{2}(?:年|[-./]\d{1,2}[-./]\d))"
_END = rf"(?:(?!\d)|{_DATED})"
_AREA = r"(?:10|2\d|[3-9]\d{2})"
# Its check digit tells it from what letters or a telephone run into, however it is grouped; it may begin in one.
_ID = re.compile(rf"(?<!\d)(?=([1-9](?:{_GAP}?\d){{16}}{_GAP}?(?:[Xx×]|\d{_END})))")
#: Numbers without a check digit: the card of before 1999, and passports and permits, behind their name.
_PAPER = re.compile(
    r"(?:身份证件?(?:号码?)?[是为:( ]{0,3}([1-9]\d{14})"
    rf"|(?:护照|通行证|台胞证|回乡证|居留证)(?:号码?|编号)?[是为:( ]{{0,3}}([A-Z]{{1,2}}\d{{7,10}})){_NOT_AFTER}",
    re.IGNORECASE,
)
_MOBILE = re.compile(
    rf"{_BEGIN}(?:(?:\+|00)?86{_GAP}?|0)?(1[3-9]\d"
    rf"(?:{_GAP}?\d{{4}}{_GAP}?\d{{4}}|{_GAP}\d{{3}}{_GAP}\d{{5}}|{_DOT}\d{{4}}{_DOT}\d{{4}})"
    # In fours from the front; 19 begins years.
    rf"|1[3-8]\d\d{_GAP}\d{{4}}{_GAP}\d{{3}})"
    # A full stop may stand before figures as well.
    rf"(?:(?!\d|元(?!旦)|万元|亿|\.\d+[多余]?[元万亿%])|{_DATED})"
)
#: A mobile is written out where a machine should not read it: 一三八, and as keycaps.
NUMERALS = "〇○零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
_KEY = r"\ufe0f?\u20e3?"
_SIGN, _BREAK = rf"(?:[0-9{NUMERALS}]{_KEY})", rf"(?:{_GAP}|{_DOT})?"
_SPELT = re.compile(
    # One numeral before or behind may belong to a word: 周一, 一直.
    rf"[1一幺壹](?<![0-9{NUMERALS}][0-9{NUMERALS}].)(?<!\u20e3.){_KEY}[3-9三四五六七八九叁肆伍陆柒捌玖]{_KEY}{_SIGN}"
    rf"{_BREAK}{_SIGN}{{4}}{_BREAK}{_SIGN}{{4}}(?!{_SIGN}{{2}}|[\ufe0f\u20e3十百千万亿元])"
)
_WRITTEN_OUT = re.compile(rf"[{NUMERALS}\u20e3].")
_CODE = rf"(?:0{_AREA}{_GAP}?|\(0{_AREA}\){_GAP}?)"
_LANDLINE = re.compile(
    rf"{_BEGIN}((?:{_CODE}|(?:\+|00)86{_GAP}?{_AREA}{_GAP}?)[2-9]\d{{6,7}}"
    # In groups documents are numbered too, but behind a year.
    rf"|(?<!\d[-‐–—―−]){_CODE}[2-9]\d{{2,3}}{_GAP}\d{{4}}){_END}"
)
#: Within a town the area code is left out: such a number follows a word of calling, or another number.
_LOCAL = (
    # No years (2019-2023), no hotline of a company, no range of round figures.
    rf"(?:[2-9][0-9]{{6,7}}|(?!20|[48]00|\d+00{_GAP}\d+00(?!\d))[2-9][0-9]{{2}}(?:{_GAP}[0-9]{{4,5}}|[0-9]{_GAP}[0-9]{{4}}))"
    rf"(?:(?!\d|\.\d|[元块万亿多余])|{_DATED})"
)
_NEXT = "[ 、/,;或和]{1,2}"
_CALLED = re.compile(
    r"(?:(?:电话|座机|固话|热线|传真|拨打|致电|联系(?:方式|人|我们?)?)(?:号码?)?(?:[是为:( ]|\([^\d()]{1,4}\)){0,3}"
    # Money is paid with the same word, and in round sums.
    r"|(?<![款钱资费])打[了过到去]?(?=\d{7})(?!\d+000(?!\d))"
    rf"|(?<!\d)(?:{_CODE}[2-9]\d{{6,7}}|1[3-9]\d{{9}}){_NEXT})({_LOCAL}(?:{_NEXT}{_LOCAL})*)"
)
_FIGURES = re.compile(_LOCAL)
# 9558 is the oldest of all; what stands apart behind may be its end, or the number of a list.
_CARD = re.compile(
    rf"(?<!\d)([3-69]\d{{3}}(?:{_GAP}?\d{{4}}){{2,3}}\d{{0,3}}|[3-69]\d{{5}}{_GAP}\d{{10,13}})({_GAP}\d{{1,3}})?{_END}"
)
_CREDIT = re.compile(rf"{_NOT_BEFORE}[1-9ANY][0-9A-HJ-NPQRTUWXY][0-9]{{6}}[0-9A-HJ-NPQRTUWXY]{{10}}{_NOT_AFTER}")
_PROVINCE = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
_PLATE = re.compile(
    rf"{_PROVINCE}[A-HJ-NP-Z][·. •・‧-]?"
    # A word is no plate: 新system.
    r"(?=(?:[A-Z]*\d){2})(?:[DF][A-HJ-NP-Z0-9]\d{4}|\d{5}[DF]|[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳])(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}")
#: Of QQ and WeChat, right behind their name: nothing else tells them from other figures, and what is named with a word
#: more is a group's, or money's.
_CHAT = re.compile(
    # The first character alone, which is found at once, and then what it may begin.
    r"[QqWwVv微](?<![A-Za-z].)(?:(?<=[Qq])[Qq](?:号码?)?[是为:( ]{0,3}([1-9]\d{6,10})"
    r"|(?:(?<=微)信(?:号码?|(?=[是为:(]))|(?<=[WwVv])[Xx](?:号码?|(?=[:( ])))[是为:( ]{0,3}"
    r"((?:[A-Za-z][A-Za-z_-]{0,11}\d|[1-9])\d{6,10}))(?!\d|\.\d|[元块万亿个年])"
)
_CARD_CONTEXT = re.compile(
    r"卡|存折|银行|[账帐][号户]|开户|户名|储蓄|打款|汇款|[转到][账帐]|[工农建中交招]行|信用社|信合|农商|邮储"
)
#: What hotlines and offices number: there a date of six digits in front is one, and no number is a bank card's.
_NUMBERED = re.compile(r"(?:编号|单号|件号|流水号|受理号)[是为:( ]{0,2}(?:[A-Z]{0,4})$", re.IGNORECASE)
#: Papers and sums of money: behind these stands no telephone.
_PAPERS = re.compile(
    r"(?:代码(?:[/、和及]号码)?|发票号码?|票号|文号|案号|金额|[¥$]|[〔\[(](?:19|20)\d{2}年?[〕\])]第?)[是为:( ]{0,2}$"
)
_SUSPECT = re.compile(
    rf"[\d{NUMERALS}\ufe0f\u20e3 .·•・‐–—―−-]{{7}}|@|[A-HJ-NP-Z][·. •・‧-]?[A-HJ-NP-Z0-9]{{4}}[A-HJ-NP-Z0-9挂学警港澳]",
    re.IGNORECASE,
)

#: What can be starred of a word: letters, digits, and at either end numerals or the 汉字 of a number plate.
_STARRED = re.compile(rf"[\dA-Za-z]|[{_PROVINCE[1:-1]}{NUMERALS}]$|^[挂学警港澳{NUMERALS}]")
#: What stands so far before or behind decides whether letters, digits and signs in a row are personal data.
BEFORE, BEHIND = 30, 2

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
#: An ID number begins with the code of a province (GB/T 2260).
_PROVINCES = re.compile("1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]")
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = tuple(3**i % 31 for i in range(17))


@dataclass(frozen=True, slots=True)
class Found:
    """A span of personal data: ``kind`` is a stable name, ``start``/``end`` are offsets."""

    kind: str
    start: int
    end: int


def find_personal_data(text: str) -> list[Found]:
    """Return the personal data in normalised ``text``, in order, without overlaps."""
    return search(text) if _SUSPECT.search(text) else []


def search(text: str) -> list[Found]:
    """Return what `find_personal_data` returns, without looking first whether there can be any."""
    taken: list[Found] = []
    # The stricter the check, the earlier its turn: an ID number must not be taken for a card.
    for found in (
        *_ids(text),
        *_credits(text),
        *_emails(text),
        *_cards(text),
        *_mobiles(text),
        *_spelt(text),
        *_landlines(text),
        *_plates(text),
        *_chats(text),
    ):
        if all(found.end <= t.start or found.start >= t.end for t in taken):
            taken.append(found)
    return sorted(taken, key=lambda f: f.start)


def may_be_starred(word: str) -> bool:
    """Return whether a text may hold something of normalised ``word`` only where it is starred out."""
    return _STARRED.search(word) is not None


def mask(text: str, found: list[Found]) -> str:
    """Return ``text`` with every found span starred out, at equal length; e-mail keeps its ``@``."""
    if not found:
        return text
    chars = list(text)
    for f in found:
        for i in range(f.start, f.end):
            if chars[i].isalnum() or chars[i] in NUMERALS:
                chars[i] = "*"
    return "".join(chars)


def _ids(text: str) -> Iterator[Found]:
    """身份证: province, date of birth and the check digit of ISO 7064 MOD 11-2 (GB 11643-1999)."""
    for m in _ID.finditer(text):
        number = re.sub(_GAP, "", m[1]).upper()
        if not _PROVINCES.match(number) or not _is_date(number[6:14]):
            continue
        rest = sum(int(d) * w for d, w in zip(number, _ID_WEIGHTS, strict=False)) % 11
        if "10X98765432"[rest] == number[17].replace("×", "X"):
            yield Found("id_number", m.start(1), m.end(1))
    for m in _PAPER.finditer(text):
        if not m[1] or _is_date("19" + m[1][6:12]):
            yield Found("id_number", *m.span(m.lastindex or 0))


def _credits(text: str) -> Iterator[Found]:
    """统一社会信用代码: check character of GB 32100-2015."""
    for m in _CREDIT.finditer(text):
        code = m.group()
        total = sum(_CREDIT_ALPHABET.index(c) * w for c, w in zip(code, _CREDIT_WEIGHTS, strict=False))
        if _CREDIT_ALPHABET[(31 - total % 31) % 31] == code[17]:
            yield Found("credit_code", m.start(), m.end())


def _emails(text: str) -> Iterator[Found]:
    for m in _EMAIL.finditer(text):
        yield Found("email", m.start(), m.end())


def _mobiles(text: str) -> Iterator[Found]:
    for m in _MOBILE.finditer(text):
        numbered = _is_numbered(text, m.start()) and _is_date("20" + m[1][:6])
        if not numbered and not _is_of_papers(text, m.start()):
            yield Found("mobile", m.start(1), m.end(1))


def _spelt(text: str) -> Iterator[Found]:
    for m in _SPELT.finditer(text):
        if _WRITTEN_OUT.search(m[0]):
            yield Found("mobile", m.start(), m.end())


def _landlines(text: str) -> Iterator[Found]:
    for m in _LANDLINE.finditer(text):
        if not _is_of_papers(text, m.start()):
            yield Found("landline", m.start(1), m.end(1))
    for called in _CALLED.finditer(text):
        if text[called.start()] in "01(" and _is_of_papers(text, called.start()):
            continue
        for m in _FIGURES.finditer(text, called.start(1), called.end(1)):
            if not (len(m[0]) == 8 and m[0].startswith("20") and _is_date(m[0])):
                yield Found("landline", m.start(), m.end())


def _cards(text: str) -> Iterator[Found]:
    """Bank cards: Luhn's digit, and a word of banking within thirty characters before."""
    for m in _CARD.finditer(text):
        if _is_numbered(text, m.start()) or not _CARD_CONTEXT.search(text, max(0, m.start() - BEFORE), m.start()):
            continue
        for end in (m.end(), m.end(1)):
            digits = [int(c) for c in text[m.start() : end] if c.isdigit()]
            if 15 <= len(digits) <= 19 and _luhn(digits):
                yield Found("bank_card", m.start(), end)
                break


def _plates(text: str) -> Iterator[Found]:
    for m in _PLATE.finditer(text):
        yield Found("plate", m.start(), m.end())


def _chats(text: str) -> Iterator[Found]:
    for m in _CHAT.finditer(text):
        start, end = m.span(m.lastindex or 0)
        if end - start != 8 or not _is_date(text[start:end]):
            yield Found("chat", start, end)


def _is_numbered(text: str, at: int) -> bool:
    return _NUMBERED.search(text, max(0, at - BEFORE), at) is not None


def _is_of_papers(text: str, at: int) -> bool:
    return _PAPERS.search(text, max(0, at - BEFORE), at) is not None


def _is_date(digits: str) -> bool:
    try:
        born = dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return 1850 <= born.year <= 2100


def _luhn(digits: list[int]) -> bool:
    doubled = [d * 2 - 9 * (d > 4) for d in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0
