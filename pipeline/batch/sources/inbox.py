"""From what the operator names (a file, a folder, a glob) to the files to read."""

from __future__ import annotations

import glob
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pipeline.batch.sources.names import legible
from pipeline.errors import SourceError

__all__ = ["SUFFIXES", "expand", "is_large", "is_read", "skipped", "underway", "unreadable"]

#: Bytes of a night's work for which compiled code pays off in any case, whatever packs them.
LARGE = 8 << 20
SUFFIXES = (".csv", ".tsv", ".xlsx", ".jsonl", ".parquet", ".txt", ".docx")
#: What systems and network drives put into folders of themselves; in a bin lies what somebody deleted.
_SYSTEM = frozenset(
    (
        "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "recycler", "system volume information",
        "lost+found", "#recycle", "@eadir", "__macosx",
    )
)  # fmt: skip
#: What copies and downloads are called until they are whole, and for how many seconds one may pause.
_PARTS = (".tmp", ".part", ".partial", ".filepart", ".crdownload")
_PAUSE = 3600.0

#: Told of a folder, or of what a link leads to, that cannot be looked at, and why.
Unseen = Callable[[Path, OSError], None]


def _unsaid(path: Path, error: OSError) -> None:
    pass


def _hidden(name: str) -> bool:
    """Whether it is hidden, an Office lock file, or a system's own."""
    return name.startswith((".", "~$")) or name.casefold() in _SYSTEM


def _mode(path: Path, unseen: Unseen) -> int:
    try:
        return path.stat().st_mode
    except OSError as e:
        unseen(path, e)
        return 0


def _visible(folder: Path, unseen: Unseen = _unsaid) -> Iterator[Path]:
    """Yield the visible files in a folder and below, also behind links; each folder once, links after all others."""
    seen: set[tuple[int, int]] = set()
    folders, linked = [folder], list[Path]()
    while folders or linked:
        here = folders.pop() if folders else linked.pop()
        try:
            # By its dot, which asks for the right to enter it: who may only list it can open nothing in it.
            found = os.stat(f"{here}/.")  # noqa: PTH116  a Path has no dot
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            inside = [p for p in here.iterdir() if not _hidden(p.name)]
        except OSError as e:
            unseen(here, e)
            continue
        for path in sorted(inside, reverse=True):
            mode = _mode(path, unseen)
            if stat.S_ISDIR(mode):
                (linked if path.is_symlink() else folders).append(path)
            elif stat.S_ISREG(mode):
                yield path


def _supported(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def expand(source: str | Path, unseen: Unseen = _unsaid) -> list[Path]:
    """Return the files that ``source`` names, sorted.

    A file stands for itself, whatever its suffix; a folder for every supported file in it and below, hidden
    ones left out; anything with ``*``, ``?`` or ``[`` is a glob (``**`` goes down), of supported files.
    An empty folder or a glob without a match gives an empty list: nothing came in. ``unseen`` is told of what may hold
    files and cannot be looked at.

    Raises
    ------
    SourceError
        ``ZF-SRC-MISSING`` when there is no such file or folder, ``ZF-SRC-UNREADABLE`` when it may not be looked into.
    """
    path = Path(source)
    if path.is_dir():

        def below(part: Path, error: OSError) -> None:
            if part == path:
                raise unreadable(part, error) from error
            unseen(part, error)

        return sorted(filter(_supported, _visible(path, below)))
    if path.is_file():
        return [path]
    pattern = os.fspath(source)
    if glob.has_magic(pattern):
        fixed = path
        while glob.has_magic(str(fixed)):
            fixed = fixed.parent
        if fixed.is_dir():
            found = {h for h in _matches(pattern, unseen) if _supported(h)}
            named = (h for h in found if not any(map(_hidden, h.relative_to(fixed).parts)))
            return sorted(h for h in named if stat.S_ISREG(_mode(h, unseen)))
    raise SourceError("ZF-SRC-MISSING", f"找不到文件或文件夹：{legible(source)}", "请核对路径；通配符要加引号。")


def is_read(file: Path, source: str | Path, files: Iterable[Path]) -> bool:
    """Whether ``file`` is one of the ``files`` of ``source``, or will be once it is there: a folder is read whole."""
    at, folder = file.resolve(), Path(source).resolve()
    if folder.is_dir() and at.is_relative_to(folder):
        return not any(map(_hidden, at.relative_to(folder).parts))
    return any(p.resolve() == at for p in files)


def _matches(pattern: str, unseen: Unseen) -> Iterator[Path]:
    """Yield what ``pattern`` names; ``unseen`` is told of folders on the way that glob cannot list and passes over."""
    above, folders = Path(pattern), set[Path]()
    while glob.has_magic(str(above)):
        above = above.parent
        folders.update(map(Path, glob.iglob(f"{above}/", recursive=True)))  # noqa: PTH207
    for folder in sorted(folders):
        try:
            os.scandir(folder).close()
        except OSError as e:
            if folder == above:
                raise unreadable(folder, e) from e
            unseen(folder, e)
    yield from map(Path, glob.iglob(pattern, recursive=True))  # noqa: PTH207 - takes absolute patterns


def unreadable(path: Path, error: OSError) -> SourceError:
    """Return what is said of a folder or a link that cannot be looked at."""
    hint = "让运行夜间任务的用户能读、能进这个文件夹；链接要指向在的地方，网络盘要挂上。之后重跑即可。"
    return SourceError("ZF-SRC-UNREADABLE", f"打不开：{legible(path)}（{error.strerror}）", hint)


def skipped(source: str | Path) -> list[Path]:
    """Return the visible files of a folder that ``expand`` leaves out for their suffix, to be reported."""
    path = Path(source)
    return sorted(p for p in _visible(path) if not _supported(p)) if path.is_dir() else []


def underway(path: Path) -> bool:
    """Whether ``path`` is a copy that is just being made; one that broke off is not, or its texts would be missed."""
    if path.suffix.lower() not in _PARTS:
        return False
    try:
        found = path.stat()
    except OSError:
        return True  # by now it has its own name, or was given up
    # Some copies get the time of their original at once.
    return time.time() - max(found.st_mtime, found.st_ctime) < _PAUSE


def is_large(source: str) -> bool:
    """Whether the files that ``source`` names are thousands of texts; of a database, or of what is not there, no."""
    if "://" in source:
        return False
    try:
        return sum(p.stat().st_size for p in expand(source)) > LARGE
    except (SourceError, OSError):
        return False  # said by the one who reads it
