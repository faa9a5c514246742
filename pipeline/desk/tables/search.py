"""The search's index; `pipeline.desk.blocks` reads and writes it."""

from __future__ import annotations

from django.db import models


class Block(models.Model):
    """Documents that were indexed together. What a block holds never changes: another takes its place."""

    #: How many documents and postings.
    size = models.PositiveIntegerField()
    postings = models.PositiveIntegerField()
    #: Their numbers, in the order of their places.
    documents = models.BinaryField()

    class Meta:
        db_table = "zuofeng_search_block"


class Posting(models.Model):
    """The postings of a block whose pairs begin with ``row``: a pair's rows stand side by side in the key."""

    pk = models.CompositePrimaryKey("row", "block")
    row = models.PositiveSmallIntegerField()
    block = models.BigIntegerField()
    data = models.BinaryField()

    class Meta:
        db_table = "zuofeng_search_posting"


class Indexed(models.Model):
    """Which text of a document is indexed, and where; any other block that names it still has an older one."""

    document = models.BigIntegerField(primary_key=True)
    text_hash = models.CharField(max_length=64)
    block = models.BigIntegerField()

    class Meta:
        db_table = "zuofeng_search_indexed"
