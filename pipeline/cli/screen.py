"""What verbs print: lines as they are, and tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["say", "short", "table"]


def say(screen: Console, line: str) -> None:
    """Print a line as it is: its numbers in no colour, unbroken however long."""
    screen.print(line, highlight=False, soft_wrap=True)


def table(
    title: str,
    head: Iterable[str],
    rows: Iterable[Iterable[str]] = (),
    *,
    words: int | None = None,
    lines: bool = False,
) -> Table:
    """Return a table. Behind the first ``words`` columns stand figures, to the right.

    On a narrow screen words go on in the next line, for they say what to do; of a figure cut short one sees that it is.
    """
    from rich.table import Table

    made = Table(title=title, title_justify="left", show_lines=lines)
    for number, name in enumerate(head):
        figures = words is not None and number >= words
        made.add_column(name, justify="right" if figures else "left", overflow="ellipsis" if figures else "fold")
    for row in rows:
        made.add_row(*row)
    return made


def short(text: str, most: int) -> str:
    """Return ``text`` on one line of at most so many characters."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
