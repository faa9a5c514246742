"""Damage that knows the format: members of archives, attributes, keys, footers, arrays."""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["archive", "arrays", "json_lines", "json_value", "parquet", "text", "toml"]

Damage = Callable[[bytes, random.Random], bytes]
_ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 10**30, 1.5, float("nan"), float("inf"), "", "\0", "\ud800", "没人管", "x" * 5000, [], {},
    [[]], {"a": {"b": [1]}}, ["a", 1, None],
)  # fmt: skip
_ATTRIBUTE = re.compile(rb'([\w:]+)="([^"]*)"')
_TAG = re.compile(rb"<[^<>]{1,200}>")
_VALUES = (b"", b"-1", b"0", b"XFD1048576", b"A0", b"ZZZZ99999999", b"99999999999", b"1e308", b"s", b"inlineStr", b"e",
           b"d", b"b", b"str", b"&#x0;", b"a" * 5000, b"rId1", b"../../../etc/passwd",
           b"http://127.0.0.1/")  # fmt: skip
_ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


def text(data: bytes, dice: random.Random, tokens: Sequence[bytes]) -> bytes:
    """Damage a table in text: quotes, delimiters, line ends, encodings."""
    match dice.randrange(6):
        case 0:
            return data.replace(b'"', dice.choice((b"", b'""', b"'", b'"\n')), dice.choice((1, -1)))
        case 1:
            return data.replace(dice.choice((b",", b"\t", b";")), dice.choice((b",", b"\t", b";", b"|", b"\0")))
        case 2:
            return data.replace(b"\n", dice.choice((b"\r", b"\r\n", b"\n\n", b"\0\n", b"")), dice.choice((1, 3, -1)))
        case 3:
            lines = data.split(b"\n")
            dice.shuffle(lines)
            return b"\n".join(lines)
        case 4:
            known = data.decode(dice.choice(_ENCODINGS), "replace")
            half = len(known) // 2 if dice.random() < 0.3 else 0
            return data[:half] + known[half:].encode(dice.choice(_ENCODINGS), "replace")
    at = dice.randrange(len(data) + 1)
    return data[:at] + dice.choice(tokens) * dice.choice((1, 2, 3000)) + data[at:]


def json_value(value: Any, dice: random.Random, depth: int = 0) -> Any:
    """Damage one place of a JSON value: drop, double, replace, nest."""
    if depth < 6 and dice.random() < 0.75 and isinstance(value, dict | list) and value:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        at = dice.choice(keys)
        changed: Any = value.copy()
        match dice.randrange(6):
            case 0:
                del changed[at]
            case 1 if isinstance(value, dict):
                changed[dice.choice(("", "id", "text", "内容", "\0", "x" * 300))] = changed.pop(at)
            case 2:
                other = dice.choice(keys)
                changed[at], changed[other] = changed[other], changed[at]
            case 3 if isinstance(value, list):
                changed = changed * dice.choice((2, 100))
            case _:
                changed[at] = json_value(value[at], dice, depth + 1)
        return changed
    if isinstance(value, str) and dice.random() < 0.4:
        at = dice.randrange(len(value) + 1)
        return (
            value[:at] + dice.choice(("\0", "\ud83d", "()", "[", "{9999}", "*", "…")) + value[at + dice.randrange(3) :]
        )
    if isinstance(value, int | float) and dice.random() < 0.4:
        return dice.choice((-value, value + 1, value * 2**40, float(value), str(value)))
    if dice.random() < 0.05:
        for _ in range(dice.choice((10, 900))):
            value = [value]
        return value
    return dice.choice(_ODD)


def json_lines(data: bytes, dice: random.Random) -> bytes:
    """Damage one line of JSON lines."""
    lines = data.split(b"\n")
    at = dice.randrange(len(lines))
    try:
        value = json.loads(lines[at])
    except (ValueError, RecursionError):
        return b"\n".join([*lines[:at], b"[" * dice.choice((5, 100_000)), *lines[at:]])
    if dice.random() < 0.1:
        lines[at] = lines[at].replace(
            b"}", b', "text": "x", "text": ' + dice.choice((b"1", b"9" * 6000, b"1e999")) + b"}"
        )
    else:
        changed = json_value(value, dice)
        try:
            lines[at] = json.dumps(changed, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
        except RecursionError:  # nested twice, deeper than can be written
            lines[at] = b'{"id": ' + b"[" * 5000
    return b"\n".join(lines)


def toml(data: bytes, dice: random.Random) -> bytes:
    """Drop, double, swap or garble lines of a settings file."""
    lines = data.split(b"\n")
    at, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    match dice.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines.insert(other, lines[at])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case _:
            name = lines[at].partition(b"=")[0]
            lines[at] = (
                name + b"= " + dice.choice((b"1", b"[]", b"{}", b'""', b"true", b"2026-01-01", b"[[1]]", b"'x'"))
            )
    return b"\n".join(lines)


def xml(data: bytes, dice: random.Random) -> bytes:
    """Damage attributes or tags of one part of an Office file."""
    if dice.random() < 0.5 and (found := list(_ATTRIBUTE.finditer(data))):
        hit = dice.choice(found)
        return data[: hit.start(2)] + dice.choice(_VALUES) + data[hit.end(2) :]
    if not (tags := list(_TAG.finditer(data))):
        return data
    hit, other = dice.choice(tags), dice.choice(tags)
    match dice.randrange(4):
        case 0:
            return data[: hit.start()] + data[hit.end() :]
        case 1:
            return data[: hit.end()] + hit[0] * dice.choice((1, 30, 3000)) + data[hit.end() :]
        case 2:
            return data[: hit.start()] + other[0] + data[hit.end() :]
    start, end = sorted((hit.start(), other.end()))
    return data[:start] + data[end:] if dice.random() < 0.5 else data[:end] + data[start:end] + data[end:]


def archive(data: bytes, dice: random.Random, damage: Damage) -> bytes:
    """Damage members of a zip: swap, cut, drop, double, rename, garble; or its directory."""
    if dice.random() < 0.15:
        tail = dice.choice((22, 60, 300))
        return data[:-tail] + damage(data[-tail:], dice)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as given:
            members = [(i.filename, given.read(i)) for i in given.infolist()]
    except Exception:  # noqa: BLE001  damaged already: then by its bytes
        return damage(data, dice)
    if not members:
        return damage(data, dice)
    likely = [i for i, (n, _) in enumerate(members) if re.search("document|sheet|shared|workbook|rels|Types", n)]
    at, other = dice.choice(likely or [0]), dice.randrange(len(members))
    name, body = members[at]
    match dice.randrange(10):
        case 0:
            members[at], members[other] = (name, members[other][1]), (members[other][0], body)
        case 1:
            del members[at]
        case 2:
            members.append((name, damage(body, dice)))
        case 3:
            members[at] = (dice.choice((name.upper(), name + "/", "/" + name, name.replace("/", "\\"), "")), body)
        case 4:
            members[at] = (name, body[: dice.randrange(len(body) + 1)])
        case 5:
            members[at] = (name, damage(body, dice))
        case _:
            members[at] = (name, xml(body, dice))
    return _zip(members, dice)


def _zip(members: Sequence[tuple[str, bytes]], dice: random.Random) -> bytes:
    buffer = io.BytesIO()
    method = dice.choice((zipfile.ZIP_DEFLATED,) * 8 + (zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(buffer, "w", method, compresslevel=1) as made:
        for name, body in members:
            # Not writestr with a name: it warns of names that come twice.
            info = zipfile.ZipInfo(name or "x")
            info.compress_type = method
            made.NameToInfo.pop(info.filename, None)
            made.writestr(info, body)
    return buffer.getvalue()


def parquet(data: bytes, dice: random.Random, others: Sequence[bytes], damage: Damage) -> bytes:
    """Damage the footer, its length or the pages, or give a file the footer of another."""
    size = int.from_bytes(data[-8:-4], "little") if len(data) > 12 else 0
    at = max(len(data) - 8 - size, 4)
    match dice.randrange(6):
        case 0:
            length = dice.choice((0, 1, size - 1, size + 1, size * 2, 2**31 - 1, 2**32 - 1)) % 2**32
            return data[:-8] + length.to_bytes(4, "little") + data[-4:]
        case 1:
            other = dice.choice(others)
            length = int.from_bytes(other[-8:-4], "little")
            return data[:at] + other[-8 - length :]
        case 2:
            return data[:4] + damage(data[4:at], dice) + data[at:]
    footer = bytearray(data[at:-8])
    for _ in range(dice.choice((1, 1, 2, 5))):
        if footer:
            footer[dice.randrange(len(footer))] = dice.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF, dice.randrange(256)))
    return data[:at] + bytes(footer) + len(footer).to_bytes(4, "little") + b"PAR1"


def arrays(data: bytes, dice: random.Random, damage: Damage) -> bytes:
    """Damage arrays of an .npz: drop, swap, reshape, retype, garble."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as given:
            found = {name: given[name] for name in given.files}
    except Exception:  # noqa: BLE001  damaged already
        return damage(data, dice)
    name, other = dice.choice(list(found)), dice.choice(list(found))
    array = found[name]
    match dice.randrange(8):
        case 0:
            del found[name]
        case 1:
            found[name], found[other] = found[other], array
        case 2:
            found[name] = array.reshape(-1)
        case 3:
            found[name] = array[: len(array) // 2] if array.ndim else array
        case 4:
            found[name] = array.astype(
                dice.choice(("U3", "complex64", "int8", "float16", "bool", "datetime64[s]", "S2"))
            )
        case 5:
            found[name] = np.full_like(array, dice.choice((0, -1, 127)))
        case 6:
            found[name] = array[..., None] if dice.random() < 0.5 else np.flip(array)
        case _:
            return archive(data, dice, damage)
    buffer = io.BytesIO()
    np.savez(buffer, **found)
    return buffer.getvalue()
