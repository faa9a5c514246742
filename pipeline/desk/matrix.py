"""The permission table for the documents: ``python -m pipeline.desk.matrix``."""

from __future__ import annotations

from pipeline.desk.roles import ROLE_NAMES, permission_rows

__all__ = ["markdown"]


def markdown() -> str:
    """Return the table as Markdown."""
    head = ["能做", *ROLE_NAMES.values()]
    rows = [[what, *("●" if h else "" for h in held)] for what, held in permission_rows()]
    lines = [head, ["---", *[":-:"] * len(ROLE_NAMES)], *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201
