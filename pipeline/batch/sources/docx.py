"""Word documents: paragraphs and tables in the order they stand in.

Read from the XML itself with defusedxml, which refuses entities and DTDs: python-docx leaves out what stands
in content controls and tracked insertions, and holds every picture in memory.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from xml.etree.ElementTree import Element  # the type only; parsing is defusedxml's  # nosec B405

from defusedxml import ElementTree

from pipeline.batch.sources.archive import check_archive, damaged
from pipeline.batch.sources.columns import ColumnMap, name_key
from pipeline.batch.sources.heading import is_name
from pipeline.batch.sources.limits import Limits
from pipeline.batch.sources.names import legible
from pipeline.batch.sources.records import Table, is_blank, reject, whole_text
from pipeline.batch.sources.signature import check_kind, open_file
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError, ZuofengError

__all__ = ["read_docx"]

_MAIN = "/officeDocument"
_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_SKIPPED = frozenset(("del", "moveFrom", "Fallback", "instrText", "delText", "pPr", "rPr", "sectPr"))
_SENTENCE = frozenset("。！？；")
_MAX_SPAN = 64
_HEADER_ROWS = 4


def read_docx(path: Path, columns: ColumnMap, limits: Limits) -> Iterator[Document | Rejected]:
    """Yield one document per row of each table with a text column; without any, the whole file as one.

    Prose beside such tables becomes a document of its own when it holds a sentence; captions do not.
    """
    file_name = legible(path.name)
    with open_file(path) as file:
        check_kind(path, file, "zip")
        check_archive(path, file, limits)
        try:
            body = _body(path, file, limits)
            blocks = list(_blocks(body))
        except (ZuofengError, MemoryError):
            raise
        except Exception as error:  # zipfile and expat raise many kinds by the damage
            raise damaged(file_name, error) from error
    prose: list[str] = []
    tables = found = 0
    for block in blocks:
        if isinstance(block, str):
            prose.append(block)
            continue
        tables += 1
        name = file_name if tables == 1 else f"{file_name}!表{tables}"
        at = _header(block, columns)
        prose += ("\t".join(cell for cell in row if cell) for row in block[:at])
        if at is None:
            continue
        found += 1
        table = Table.of(name, block[at], columns, limits, upper=block[at - 1] if at else ())
        number = 1
        try:
            if (lower := table.joined(block[at + 1])) is not None:
                table, at = lower, at + 1
            for number, row in enumerate(block[at + 1 :], at + 2):
                if not table.is_header(row, number) and (made := table.record(number, row)) is not None:
                    yield made
        except SourceError as e:
            raw = "\n".join("\t".join(row) for row in block[number - 1 :])
            yield reject(f"{name}:{number}", "ZF-REC-SHEET", f"{e.message}{e.hint}", raw=raw)
    text = "\n".join(prose)
    if found and not _SENTENCE & set(text):
        return
    if is_blank(text):
        raise SourceError("ZF-SRC-EMPTY", f"{file_name} 里没有文字。", "图片里的文字读不出来，请改用文字版。")
    yield whole_text(file_name, 1, text, {"文件": file_name}, limits)


def _body(path: Path, file: BinaryIO, limits: Limits) -> Element:
    with zipfile.ZipFile(file) as archive:
        links = ElementTree.fromstring(archive.read("_rels/.rels"), forbid_dtd=True)
        main = next((e.get("Target", "") for e in links if e.get("Type", "").endswith(_MAIN)), "word/document.xml")
        part = archive.getinfo(posixpath.normpath(main.lstrip("/")))
        if part.file_size > limits.max_xml_bytes:
            raise SourceError(
                "ZF-SRC-BOMB",
                f"{legible(path.name)} 的正文展开后超过 {limits.max_xml_bytes:,} 字节，没有读取。",
                "请拆分文件。",
            )
        with archive.open(part) as stream:
            root = ElementTree.parse(stream, forbid_dtd=True).getroot()
        if root is None:
            raise damaged(legible(path.name), "没有正文部分")
    body = next((e for e in root if _tag(e) == "body"), None)
    if body is None:
        raise damaged(legible(path.name), "没有正文部分")
    return body


def _tag(element: Element) -> str:
    """Return the local name; strict and transitional OOXML differ only in the namespace."""
    return element.tag.rpartition("}")[2]


def _blocks(parent: Element) -> Iterator[str | list[list[str]]]:
    """Yield paragraphs as text and tables as rows; wrappers such as content controls are looked through."""
    for child in parent:
        match _tag(child):
            case "p":
                yield _text(child)
            case "tbl":
                yield _table(child)
            case tag if tag not in _SKIPPED:
                yield from _blocks(child)


def _text(element: Element) -> str:
    parts: list[str] = []
    for child in element:
        tag = _tag(child)
        if tag == "t":
            parts.append(child.text or "")
        elif tag in _BREAKS:
            parts.append(_BREAKS[tag])
        elif tag == "txbxContent":
            parts.append("\n" + _flat(child))
        elif tag not in _SKIPPED:
            parts.append(_text(child))
    return "".join(parts)


def _flat(element: Element) -> str:
    """Return everything inside a cell or text box as one text."""
    return "\n".join(
        b if isinstance(b, str) else "\n".join("\t".join(filter(None, row)) for row in b) for b in _blocks(element)
    )


def _inner(element: Element, wanted: str) -> Iterator[Element]:
    for child in element:
        if _tag(child) == wanted:
            yield child
        elif _tag(child) in ("sdt", "sdtContent", "ins", "customXml"):
            yield from _inner(child, wanted)


def _table(table: Element) -> list[list[str]]:
    """Return the grid of a table: a merged cell stands in its first column and in each row it spans."""
    grid: list[list[str]] = []
    for tr in _inner(table, "tr"):
        row: list[str] = []
        for tc in _inner(tr, "tc"):
            span, merge = 1, ""
            for prop in (p for pr in tc if _tag(pr) == "tcPr" for p in pr):
                value = next((v for k, v in prop.attrib.items() if k.endswith("val")), "")
                if _tag(prop) == "gridSpan" and value.isdecimal():
                    span = min(int(value[:4]), _MAX_SPAN)
                elif _tag(prop) == "vMerge":
                    merge = value or "continue"
            above = grid[-1][len(row)] if merge == "continue" and grid and len(row) < len(grid[-1]) else ""
            row += [above or _flat(tc), *[""] * (span - 1)]
        grid.append(row)
    return grid


def _header(rows: list[list[str]], columns: ColumnMap) -> int | None:
    """Return which row names the columns of a table of records; None for a form, where values stand beside names.

    A caption may stand above it, and it may come again on every page.
    """
    for at, row in enumerate(rows[:_HEADER_ROWS]):
        found = columns.find(row)
        if "text" not in found and not ("title" in found and "id" in found):
            continue
        # The other row of a header in two repeats its first name, which is merged over both.
        first = name_key(row[0])
        both = [r for r in rows[max(at - 1, 0) : at + 2] if first and [*map(name_key, r[:1])] == [first]]
        others = [r for r in rows if columns.find(r) != found and r not in both]
        # Only in a header stand two names side by side; the first column of such a table may hold 反映问题 as a kind.
        side = any(place + 1 in found.values() for place in found.values())
        form = not side and any(columns.find(r[:1]) for r in others)
        if found.get("text") == 0 and len(row) > 1:  # below the name of a text stand texts, in a form other names
            form = form or all(map(is_name, (r[0] for r in others if r)))
        # Below a caption a form may begin with any field.
        return at if (side or not at) and not form and len(others) > at else None
    return None
