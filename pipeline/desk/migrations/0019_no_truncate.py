from typing import Any

from django.db import migrations

APPEND_ONLY = ("zuofeng_audit", "zuofeng_decision", "zuofeng_note", "zuofeng_worksheet")


def guard(apps: Any, schema_editor: Any) -> None:
    """Emptying a table at once passes by the triggers of its rows; SQLite knows no such statement."""
    if schema_editor.connection.vendor == "postgresql":
        for table in APPEND_ONLY:
            schema_editor.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION zuofeng_append_only()"
            )


def unguard(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for table in APPEND_ONLY:
            schema_editor.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0018_night_writes_less"),
    ]

    operations = [
        migrations.RunPython(guard, unguard),
    ]
