"""The parts of a page as Markdown, with the pictures in files beside it."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.reports.page import Chart, Note, Table

__all__ = ["markdown"]


def markdown(title: str, parts: Sequence[Table | Chart | Note]) -> tuple[str, dict[str, str]]:
    """Return the text and the SVG pictures it points to, by file name."""
    pictures: dict[str, str] = {}
    blocks = [f"# {_plain(title)}"]
    for part in parts:
        if isinstance(part, Table):
            rows = [part.head, ["---"] * len(part.head), *part.rows]
            blocks.append(f"**{_plain(part.title)}**")
            blocks.append("\n".join("| " + " | ".join(map(_plain, row)) + " |" for row in rows))
        elif isinstance(part, Chart):
            name = f"picture-{len(pictures) + 1}.svg"
            pictures[name] = part.svg
            blocks.append(f"![{_plain(part.caption)}]({name})")
        else:
            blocks += [f"## {_plain(part.heading)}"] if part.heading else []
            blocks += [_plain(part.text)] if part.text else []
    return "\n\n".join(blocks) + "\n", pictures


def _plain(text: str) -> str:
    """Return ``text`` on one line, with whatever Markdown would read as markup escaped."""
    escaped = "".join(f"\\{c}" if c in r"\`*_{}[]<>|#!~" else c for c in text)
    return " ".join(escaped.split())
