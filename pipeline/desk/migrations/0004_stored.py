from typing import Any

import django.utils.timezone
from django.db import migrations, models


def from_runs(apps: Any, schema_editor: Any) -> None:
    """Texts that were there before have come with their run."""
    document, run = apps.get_model("desk", "Document"), apps.get_model("desk", "Run")
    started = run.objects.filter(pk=models.OuterRef("run")).values("started")
    document.objects.update(stored=models.Subquery(started))


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0003_desk"),
    ]

    operations = [
        migrations.AddField(
            model_name="document",
            name="stored",
            field=models.DateTimeField(db_index=True, default=django.utils.timezone.now),
        ),
        migrations.RunPython(from_runs, migrations.RunPython.noop),
    ]
