from collections.abc import Iterator
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def read_before(apps: Any, schema_editor: Any) -> None:
    """Take what was answered so far for read: nobody is told of last year's answers."""
    read = apps.get_model("desk", "NoteRead")
    read.objects.bulk_create((read(by_id=by, note_id=note) for by, note in _answers(apps)), batch_size=1000)


def _answers(apps: Any) -> Iterator[tuple[int, int]]:
    document, asked = None, set[int]()
    rows = apps.get_model("desk", "Note").objects.order_by("document_id", "pk")
    for note in rows.only("document_id", "by_id", "to_id").iterator():
        if note.document_id != document:
            document, asked = note.document_id, set()
        yield from ((by, note.pk) for by in asked - {note.by_id, note.to_id})
        if note.to_id is not None:
            asked.add(note.by_id)


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0019_no_truncate"),
    ]

    operations = [
        migrations.CreateModel(
            name="NoteRead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "note",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="desk.note",
                    ),
                ),
            ],
            options={
                "db_table": "zuofeng_note_read",
                "constraints": [models.UniqueConstraint(fields=("by", "note"), name="read_once_per_person")],
            },
        ),
        migrations.RunPython(read_before, migrations.RunPython.noop),
    ]
