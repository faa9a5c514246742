from typing import Any

from django.db import migrations, models


def add_search(apps: Any, schema_editor: Any) -> None:
    """The index of character pairs; `pipeline.desk.search` fills it."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE TABLE zuofeng_search (document bigint PRIMARY KEY, text_hash varchar(64) NOT NULL, "
            "pairs integer[] NOT NULL)"
        )
        schema_editor.execute("CREATE INDEX zuofeng_search_pairs ON zuofeng_search USING gin (pairs)")
    else:
        schema_editor.execute(
            "CREATE VIRTUAL TABLE zuofeng_search USING fts5(pairs, text_hash UNINDEXED, detail=none, columnsize=0)"
        )


def drop_search(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("DROP TABLE zuofeng_search")


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0007_disagreement"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("cases", models.PositiveIntegerField()),
                ("data", models.JSONField(default=dict)),
            ],
            options={"db_table": "zuofeng_tally"},
        ),
        migrations.AlterField(
            model_name="document",
            name="text_hash",
            field=models.CharField(db_index=True, max_length=64),
        ),
        migrations.AddIndex(
            model_name="document",
            index=models.Index(fields=["unit", "-id"], name="document_by_unit"),
        ),
        migrations.AddIndex(
            model_name="document",
            index=models.Index(fields=["district", "-id"], name="document_by_district"),
        ),
        migrations.AddIndex(
            model_name="document",
            index=models.Index(fields=["channel", "-id"], name="document_by_channel"),
        ),
        migrations.AddIndex(
            model_name="document",
            index=models.Index(fields=["received"], name="document_by_received"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["state", "-document"], name="case_by_newest"),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(fields=["by", "-id"], name="decision_by_person"),
        ),
        migrations.RunPython(add_search, drop_search),
    ]
