"""Tables of other people's databases: read in key order, scored, and written back in the same run.

    postgresql+psycopg://user@host/db?table=工单
    sqlite:////data/hotline.db?query=SELECT …

Reading is read-only and holds nothing open between chunks; names come from reflection and are quoted by the dialect,
values are bound. A password is never shown or stored: see ``Address.shown``.
"""

from __future__ import annotations

from pipeline.batch.tables.address import Address
from pipeline.batch.tables.open import OpenTable, open_table

__all__ = ["Address", "OpenTable", "open_table"]
