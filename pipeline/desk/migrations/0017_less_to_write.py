from collections.abc import Callable

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

#: Long, and written once.
_LONG = (
    ("zuofeng_document", "text"),
    ("zuofeng_prediction", "evidence"),
    ("zuofeng_prediction", "scores"),
)


def _keep(how: str) -> Callable[[object, BaseDatabaseSchemaEditor], None]:
    """Return what tells PostgreSQL how to keep long values that come from now on."""

    def tell(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            for table, column in _LONG:
                editor.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE {how}")

    return tell


class Migration(migrations.Migration):
    """Long texts are kept as they are, for to press them took a tenth of a night; the order of the surest predictions
    is kept, not that of all, which touched a page for each.
    """

    dependencies = [
        ("desk", "0016_fewer_indexes"),
    ]

    operations = [
        migrations.RunPython(_keep("EXTERNAL"), _keep("EXTENDED")),
        migrations.RemoveIndex("prediction", "prediction_triage"),
        migrations.AddIndex(
            "prediction",
            models.Index(
                condition=models.Q(problem_score__gte=0.99),
                fields=["-problem_score", "document"],
                name="prediction_by_score",
            ),
        ),
    ]
