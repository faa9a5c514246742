"""Files that are written, read and refused, for the tests of the readers."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipeline.batch.sources import Limits, open_source
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError

LIMITS = Limits()


def read(path: Path, content: str | bytes, limits: Limits = LIMITS) -> list[Document | Rejected]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(open_source(path, limits=limits))


def refused(path: Path, content: str | bytes | None = None, limits: Limits = LIMITS) -> SourceError:
    """Return what is said of a file, of this ``content`` if there is any, that cannot be read."""
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SourceError) as caught:
        list(open_source(path, limits=limits))
    return caught.value


def codes(items: list[Document | Rejected]) -> list[str]:
    return [i.code if isinstance(i, Rejected) else i.id for i in items]


def workbook(path: Path, *sheets: Sequence[Sequence[Any]], hidden: Sequence[int] = ()) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"S{number + 1}")
        sheet.sheet_state = "hidden" if number in hidden else "visible"
        for row in rows:
            sheet.append(row)
    book.save(path)
    book.close()
    return path


def rewrite(path: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """Change one part of a zip container."""
    with zipfile.ZipFile(path) as archive:
        parts = {i.filename: archive.read(i) for i in archive.infolist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path
