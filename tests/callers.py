"""A database of somebody else, with the tables a night reads and writes."""

from dataclasses import dataclass
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.pool import NullPool


@dataclass
class Caller:
    """A database of somebody else."""

    url: str

    @property
    def engine(self):
        """An engine that keeps no connection open."""
        return sa.create_engine(self.url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)

    def source(self, **query):
        more = "&".join(f"{k}={quote(v)}" for k, v in query.items())
        return f"{self.url}{'&' if '?' in self.url else '?'}{more}"

    def run(self, statement, *values):
        with self.engine.begin() as connection:
            result = connection.execute(statement if not isinstance(statement, str) else sa.text(statement), *values)
            return [tuple(r) for r in result] if result.returns_rows else []

    def make(self, name, records, *, key=("流水号",), kind=sa.Integer, text="内容", more=()):
        """Create a table of ``records``: the key's values, then the text."""
        columns = [*(sa.Column(k, kind, primary_key=True, autoincrement=False) for k in key), sa.Column(text, sa.Text)]
        table = sa.Table(name, sa.MetaData(), *columns, *more)
        table.create(self.engine)
        self.run(table.insert(), [dict(zip([*key, text], r, strict=True)) for r in records])
        return table

    def rows(self, name, *columns):
        """Return the rows of a table in the order of its first column."""
        table = sa.table(name, *map(sa.column, self.columns(name)))
        chosen = [table.c[c] for c in columns] or list(table.c)
        return self.run(sa.select(*chosen).order_by(chosen[0]))

    def columns(self, name):
        return [c["name"] for c in sa.inspect(self.engine).get_columns(name)]

    def count_writes(self, table):
        """Note the key of every row that is written from now on."""
        self.run("CREATE TABLE written (k VARCHAR(200))")
        if self.engine.dialect.name == "sqlite":
            self.run(f'CREATE TRIGGER t AFTER UPDATE ON "{table}" BEGIN INSERT INTO written VALUES (NEW."流水号"); END')  # noqa: S608
            return
        self.run("CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
                   ' $$ BEGIN INSERT INTO written VALUES (NEW."流水号"); RETURN NEW; END $$')  # fmt: skip
        self.run(f'CREATE TRIGGER t AFTER UPDATE ON "{table}" FOR EACH ROW EXECUTE FUNCTION note()')

    def writes(self):
        return sorted(k for (k,) in self.run("SELECT k FROM written"))
