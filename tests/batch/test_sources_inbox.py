"""Files, folders and globs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from batch.reading import refused

from pipeline.batch.sources import SUFFIXES, expand, is_large, open_source, skipped
from pipeline.batch.sources.names import legible
from pipeline.errors import SourceError


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    for name in (
        "b.csv",
        "a.JSONL",
        "sub/c.docx",
        ".hidden.csv",
        ".git/d.csv",
        "~$e.xlsx",
        "old.xls",
        "f.pdf",
        "Thumbs.db",
        "sub/desktop.ini",
        ".DS_Store",
        "$RECYCLE.BIN/h.csv",
        "~$$i.tmp",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x", encoding="utf-8")
    (tmp_path / "folder.csv").mkdir()
    return tmp_path


def names(paths: list[Path], root: Path) -> list[str]:
    return [p.relative_to(root).as_posix() for p in paths]


def test_folder(inbox: Path) -> None:
    assert names(expand(inbox), inbox) == ["a.JSONL", "b.csv", "sub/c.docx"]
    assert names(skipped(inbox), inbox) == ["f.pdf", "old.xls"]


def test_hidden_folder_named_outright_is_read(inbox: Path) -> None:
    assert names(expand(inbox / ".git"), inbox) == [".git/d.csv"]


def test_file_and_glob(inbox: Path) -> None:
    assert expand(str(inbox / "b.csv")) == [inbox / "b.csv"]
    assert names(expand(f"{inbox}/*.csv"), inbox) == ["b.csv"]
    assert names(expand(f"{inbox}/**/*"), inbox) == ["a.JSONL", "b.csv", "sub/c.docx"]
    assert expand(f"{inbox}/*.tsv") == []
    (inbox / "g[1].csv").write_text("x", encoding="utf-8")
    assert names(expand(inbox / "g[1].csv"), inbox) == ["g[1].csv"]


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be somebody without privileges, in the folder of the test; those above it may be closed to him."""
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)
    Path("sub").chmod(0o755)


@pytest.mark.parametrize("mode", [0o000, 0o600, 0o300])
def test_a_folder_that_may_not_be_looked_into_is_named(inbox: Path, nobody: None, mode: int) -> None:
    told: list[str] = []
    owner = os.geteuid()
    os.seteuid(os.getuid())
    os.chown("sub", owner, -1)
    Path("sub").chmod(mode)
    Path("链接.docx").symlink_to("sub/c.docx")
    os.seteuid(owner)
    reached, lost = (["链接.docx"], []) if mode & 0o100 else ([], ["链接.docx"])
    found = expand("", lambda path, error: told.append(path.as_posix()))
    assert [p.as_posix() for p in found] == ["a.JSONL", "b.csv", *reached]
    assert sorted(told) == ["sub", *lost]
    with pytest.raises(SourceError, match="ZF-SRC-UNREADABLE"):
        expand("sub")


@pytest.mark.parametrize("pattern", ["*/*.docx", "**/*.docx", "s?b/**/*"])
def test_so_is_one_that_a_pattern_would_look_into(inbox: Path, nobody: None, pattern: str) -> None:
    told: list[str] = []
    owner = os.geteuid()
    os.seteuid(os.getuid())
    os.chown("sub", owner, -1)
    Path("sub").chmod(0o300)
    os.seteuid(owner)
    assert expand(pattern, lambda path, error: told.append(path.as_posix())) == []
    assert told == ["sub"]
    with pytest.raises(SourceError, match="ZF-SRC-UNREADABLE"):
        expand("sub/*.docx")


def test_what_links_lead_to_is_read_once(inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    away = tmp_path_factory.mktemp("分局")
    (away / "g.csv").write_text("x", encoding="utf-8")
    (inbox / "A分局").symlink_to(away)
    (away / "回来").symlink_to(inbox)
    (inbox / "A同一个").symlink_to(inbox / "sub")
    (inbox / "h.csv").symlink_to(away / "g.csv")
    (inbox / "sub" / "没挂上").symlink_to(away / "不在")
    told: list[Path] = []
    found = expand(inbox, lambda path, error: told.append(path))
    assert names(found, inbox) == ["A分局/g.csv", "a.JSONL", "b.csv", "h.csv", "sub/c.docx"]
    assert names(told, inbox) == ["sub/没挂上"]
    assert names(skipped(inbox), inbox) == ["f.pdf", "old.xls"]


@pytest.mark.parametrize("source", ["none.csv", "none", "nowhere/*.csv"])
def test_missing(tmp_path: Path, source: str) -> None:
    with pytest.raises(SourceError, match="ZF-SRC-MISSING"):
        expand(tmp_path / source)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_open_missing_empty_and_folder(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"dir{suffix}").mkdir()
    contents = {"none": None, "empty": b"", "dir": None}
    told = [refused(tmp_path / f"{name}{suffix}", content) for name, content in contents.items()]
    assert [e.code for e in told] == ["ZF-SRC-MISSING", "ZF-SRC-EMPTY", "ZF-SRC-FOLDER"]
    assert all(e.hint for e in told)


@pytest.mark.parametrize("name", ["a.xls", "a.pdf", "a", "a.zip"])
def test_unknown_suffix(tmp_path: Path, name: str) -> None:
    error = refused(tmp_path / name)
    assert error.code == "ZF-SRC-SUFFIX"
    assert ".xlsx" in error.hint
    assert ("另存" in error.hint) == (name == "a.xls")


def test_nothing_is_opened_before_the_first_record(tmp_path: Path) -> None:
    open_source(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("/收件/投诉.csv".encode(), "/收件/投诉.csv"),
        (b"/\xe6\x94\xb6\xe4\xbb\xb6/" + "投诉信①.csv".encode("gb18030"), "/收件/投诉信①.csv"),
        (b"a\xff\xfe.csv", "a\\xff\\xfe.csv"),
        (b"a\xed\xa0\x80.csv", "a\ufffd.csv"),
    ],
)
def test_names_are_shown_as_people_read_them(raw: bytes, shown: str) -> None:
    assert legible(os.fsdecode(raw)) == shown


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_said_of_a_file_can_be_printed(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / os.fsdecode("投诉".encode("gb18030") + suffix.encode())
    for content in (None, b"", b"%PDF-1.4 x"):
        assert "投诉" in refused(path, content).message.encode().decode()


def test_large_are_the_files_together_and_what_cannot_be_seen_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.batch.sources.inbox.LARGE", 10)
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_bytes(b"123456")
    assert is_large(str(tmp_path))
    assert not is_large(str(tmp_path / "a.txt"))
    assert not is_large(str(tmp_path / "none.txt"))
    assert not is_large("postgresql://localhost/calls?table=t")
