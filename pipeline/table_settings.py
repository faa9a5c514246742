"""Settings of nights that read a table of somebody else's database: the section ``[tables]`` of ``zuofeng.toml``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["TableSettings"]


class TableSettings(BaseModel):
    """How a table is read in order, and where its scores go.

    ``key`` names the columns that tell rows apart (default: the primary key), ``prefix`` stands before the key in the
    store, so that two tables may use the same numbers. ``watermark`` is a column of times or rising integers: with it
    a night reads only what came or changed since the last one. ``write`` maps results to columns of the table, or of
    the table ``result`` when that is named; columns that are missing are added unless ``add_columns`` is off.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: list[str] = Field(default_factory=list)
    prefix: str = Field(default="", max_length=60)
    watermark: str = ""
    write: dict[str, str] = Field(default_factory=dict)
    result: str = ""
    add_columns: bool = True
