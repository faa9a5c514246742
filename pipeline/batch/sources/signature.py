"""What a file is by its first bytes, whatever its suffix says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from pipeline.batch.sources.names import legible
from pipeline.errors import SourceError

__all__ = ["check_kind", "open_file"]

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_NAMES = {
    "zip": "Office 文档（.xlsx 或 .docx）或压缩包",
    "ole": "旧版或加密的 Office 文档",
    "parquet": "Parquet 文件",
    "pdf": "PDF 文件",
}
_HEAD = 4096


def open_file(path: Path) -> BinaryIO:
    """Open ``path`` unbuffered, or say in Chinese why that cannot be done."""
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise SourceError("ZF-SRC-MISSING", f"找不到文件：{legible(path)}", "请核对路径。") from error
    except IsADirectoryError as error:
        raise SourceError("ZF-SRC-FOLDER", f"这是文件夹，不是文件：{legible(path)}", "请先用 expand 展开。") from error
    except (OSError, ValueError) as error:
        raise SourceError("ZF-SRC-UNREADABLE", f"打不开文件：{legible(path)}（{error}）", "请检查读取权限。") from error
    if os.fstat(file.fileno()).st_size == 0:
        file.close()
        raise SourceError("ZF-SRC-EMPTY", f"{legible(path.name)} 是空文件，没有任何内容。", "请重新导出后再放入。")
    return file


def _kind(head: bytes) -> str:
    if head.startswith(_OLE):
        return "ole"
    if head.startswith(_ZIP):
        return "zip"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"%PDF-"):
        return "pdf"
    bare = head.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return "markup" if bare.replace(b"\0", b"").lstrip()[:1] == b"<" else "text"


def check_kind(path: Path, file: BinaryIO, expected: str) -> None:
    """Refuse a file that is not of the ``expected`` kind (``zip``, ``parquet`` or ``text``).

    The file is left at its beginning.
    """
    file.seek(0)
    kind = _kind(file.read(_HEAD))
    file.seek(0)
    name, suffix = legible(path.name), path.suffix.lower()
    if kind == expected or (expected == "text" and kind == "markup"):
        return
    if expected == "text":
        raise SourceError(
            "ZF-SRC-SUFFIX",
            f"{name} 的扩展名是 {suffix}，内容却是{_NAMES[kind]}。",
            "请改回正确的扩展名，或另存为文本格式。",
        )
    if kind == "ole" and expected == "zip":
        raise _ole(name, suffix, file)
    if kind == "markup" and expected == "zip":
        raise SourceError(
            "ZF-SRC-HTML",
            f"{name} 其实是网页（HTML）或 XML，不是真正的 {suffix} 文件。",
            f"请用 Excel 或 WPS 打开，另存为 {suffix} 后再放入。",
        )
    what = _NAMES.get(kind, "别的内容")
    raise SourceError(
        "ZF-SRC-DAMAGED",
        f"{name} 不是 {suffix} 文件，开头的内容是{what}。",
        "文件可能损坏或扩展名有误，请重新导出。",
    )


def _ole(name: str, suffix: str, file: BinaryIO) -> SourceError:
    """Tell an encrypted package from an .xls or .doc of old by its directory entries."""
    mark = "EncryptedPackage".encode("utf-16-le")
    tail = b""
    encrypted = False
    while not encrypted and (data := file.read(1 << 20)):
        encrypted = mark in tail + data
        tail = data[-len(mark) :]
    file.seek(0)
    if encrypted:
        return SourceError(
            "ZF-SRC-ENCRYPTED",
            f"{name} 设有打开密码，已加密，无法读取。",
            "请用 Excel 或 WPS 去掉密码后另存。",
        )
    old = ".doc" if suffix == ".docx" else ".xls"
    return SourceError(
        "ZF-SRC-ENCRYPTED",
        f"{name} 是旧版 {old} 格式（或已加密），不是真正的 {suffix} 文件。",
        f"请用 Excel 或 WPS 打开，另存为 {suffix}，不设密码。",
    )
