from typing import Any

from django.db import migrations


def look_closer(apps: Any, schema_editor: Any) -> None:
    """Let the planner know every pair of characters that one document in a hundred holds."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE zuofeng_search ALTER COLUMN pairs SET STATISTICS 400")


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0013_case_purged"),
    ]

    operations = [
        migrations.RunPython(look_closer, migrations.RunPython.noop),
    ]
