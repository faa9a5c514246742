"""Zip containers of foreign make: looked at before any parser sees them."""

from __future__ import annotations

import copy
import os
import re
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from pipeline.batch.sources.limits import Limits
from pipeline.batch.sources.names import legible
from pipeline.errors import SourceError

__all__ = ["check_archive", "damaged"]

_CHUNK = 1 << 16
_SMALL = 1 << 20  # below this a high ratio is only a very regular sheet
_DTD = tuple(mark.encode(e) for mark in ("<!DOCTYPE", "<!ENTITY") for e in ("utf-8", "utf-16-le", "utf-16-be"))
_KEEP = max(map(len, _DTD))
#: Readers hold a row of a sheet whole, a kilobyte for each cell; Excel's have 16,384 cells.
_ROW = re.compile(rb"<(?:\w+:)?(?:row|si)[\s/>]")
_MOST_TAGS = 1 << 20


def damaged(name: str, error: BaseException | str) -> SourceError:
    """Say that a file of the right kind cannot be read; parsers wrap the cause, so look for the first."""
    while isinstance(error, BaseException) and error.__cause__ is not None:
        error = error.__cause__
    found = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return SourceError(
        "ZF-SRC-DAMAGED",
        f"{name} 已损坏，读不下去。",
        "请重新导出，或用原来的软件打开后另存。",
        [found[:300]],
    )


def _bomb(name: str, why: str) -> SourceError:
    return SourceError(
        "ZF-SRC-BOMB",
        f"{name} 展开后大得不合常理（{why}），没有读取。",
        "请核对来源；确是大文件时，请拆分或改用 CSV、Parquet。",
    )


def check_archive(path: Path, file: BinaryIO, limits: Limits) -> None:
    """Refuse bombs, passwords, damage and XML that brings its own entities.

    First by the directory, then by unpacking every member once in small pieces, because a directory may lie
    and ``ZipFile.read`` unpacks up to 2 GiB in one step before it compares. The file is left at its start.

    Raises
    ------
    SourceError
        ``ZF-SRC-BOMB``, ``ZF-SRC-ENCRYPTED``, ``ZF-SRC-DAMAGED`` or ``ZF-SRC-XML``.
    """
    name = legible(path.name)
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check_directory(name, members, file.seek(0, os.SEEK_END), limits)
            total = 0
            for member in members:
                total += _unpack(name, archive, member, limits, limits.max_unzipped_bytes - total)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise damaged(name, error) from error
    file.seek(0)


def _check_directory(name: str, members: list[zipfile.ZipInfo], size: int, limits: Limits) -> None:
    for member in members:
        if member.header_offset + member.compress_size > size:
            # Readers ask for so many bytes at once, and the memory for them is taken before the file's end is noticed.
            raise damaged(name, f"{member.filename} 的长度超出文件")
        if member.flag_bits & 0x1:
            raise SourceError("ZF-SRC-ENCRYPTED", f"{name} 设有密码，无法读取。", "请去掉密码后另存。")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # Office writes no other; bzip2 and lzma are unpacked without any bound by the standard library.
            raise damaged(name, f"压缩方式 {member.compress_type} 不是 Office 使用的")
        _check_ratio(name, member.file_size, member.compress_size, limits)
    total = sum(m.file_size for m in members)
    if total > limits.max_unzipped_bytes:
        raise _bomb(name, f"{total:,} 字节，上限 {limits.max_unzipped_bytes:,}")


def _check_ratio(name: str, size: int, packed: int, limits: Limits) -> None:
    if size > _SMALL and size > limits.max_ratio * max(packed, 1):
        raise _bomb(name, f"压缩比超过 {limits.max_ratio:g}")


def _unpack(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits, room: int) -> int:
    """Return the true size of ``member``, reading no further than a limit allows."""
    probe = copy.copy(member)
    probe.file_size = room + 2 * _CHUNK  # ZipExtFile stops at the size the directory claims; let it run on
    is_xml = member.filename.lower().endswith((".xml", ".rels"))
    size, tags, tail = 0, 0, b""
    with archive.open(probe) as stream:
        while data := stream.read(_CHUNK):
            size += len(data)
            if size > room:
                raise _bomb(name, f"实际超过 {limits.max_unzipped_bytes:,} 字节")
            _check_ratio(name, size, member.compress_size, limits)
            window = tail + data
            if is_xml and any(mark in window for mark in _DTD):
                raise SourceError(
                    "ZF-SRC-XML",
                    f"{name} 里的 XML 带有实体定义，Office 不会这样写，没有读取。",
                    "请核对来源。",
                )
            if _ROW.search(window):
                tags = data.count(b"<")
            elif tags:
                tags += data.count(b"<")
                if tags > _MOST_TAGS:
                    raise _bomb(name, "一行里的单元格多得不合常理")
            tail = data[-_KEEP:]
    if size != member.file_size:
        raise damaged(name, f"{member.filename} 的大小与目录不符")
    return size
