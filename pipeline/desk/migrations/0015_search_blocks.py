from typing import Any

from django.db import migrations, models


def drop_pairs(apps: Any, schema_editor: Any) -> None:
    """The index as it was: the next night, or `zuofeng serve`, indexes all documents anew."""
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("PRAGMA secure_delete=ON")  # free pages outlive a purge
    schema_editor.execute("DROP TABLE zuofeng_search")


def store_plain(apps: Any, schema_editor: Any) -> None:
    """Numbers that are packed as they are: PostgreSQL would only lose time with trying to press them."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE zuofeng_search_posting ALTER COLUMN data SET STORAGE EXTERNAL")
        schema_editor.execute("ALTER TABLE zuofeng_search_block ALTER COLUMN documents SET STORAGE EXTERNAL")


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0014_search_statistics"),
    ]

    operations = [
        migrations.RunPython(drop_pairs),
        migrations.CreateModel(
            name="Block",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("size", models.PositiveIntegerField()),
                ("postings", models.PositiveIntegerField()),
                ("documents", models.BinaryField()),
            ],
            options={"db_table": "zuofeng_search_block"},
        ),
        migrations.CreateModel(
            name="Indexed",
            fields=[
                ("document", models.BigIntegerField(primary_key=True, serialize=False)),
                ("text_hash", models.CharField(max_length=64)),
                ("block", models.BigIntegerField()),
            ],
            options={"db_table": "zuofeng_search_indexed"},
        ),
        migrations.CreateModel(
            name="Posting",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "row", "block", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("row", models.PositiveSmallIntegerField()),
                ("block", models.BigIntegerField()),
                ("data", models.BinaryField()),
            ],
            options={"db_table": "zuofeng_search_posting"},
        ),
        migrations.RunPython(store_plain, migrations.RunPython.noop),
    ]
