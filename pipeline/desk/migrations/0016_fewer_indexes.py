import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

#: Of PostgreSQL, for words that begin so: nobody asks.
_LIKE = (
    "zuofeng_document_key_f762e5b9_like",
    "zuofeng_document_run_id_1d495ce2_like",
    "zuofeng_document_text_hash_b58da282_like",
    "zuofeng_prediction_run_id_d2bcde1e_like",
    "zuofeng_case_text_hash_38027c6b_like",
)


def _without(model: str, name: str, field: models.Field, index: str) -> migrations.SeparateDatabaseAndState:
    """Drop an index by its name: told of the field alone, SQLite would write the whole table anew."""
    return migrations.SeparateDatabaseAndState(
        [migrations.RunSQL(f"DROP INDEX IF EXISTS {index}", migrations.RunSQL.noop)],
        [migrations.AlterField(model, name, field)],
    )


def _person(name: str) -> models.ForeignKey:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=django.db.models.deletion.PROTECT, related_name=name,
        db_index=False,
    )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0015_search_blocks"),
    ]

    operations = [
        _without("case", "text_hash", models.CharField(max_length=64), "zuofeng_case_text_hash_38027c6b"),
        _without("case", "group", models.BigIntegerField(null=True), "zuofeng_case_group_970732bb"),
        _without("case", "holder", _person("held"), "zuofeng_case_holder_id_e9cffd97"),
        _without("case", "assignee", _person("assigned"), "zuofeng_case_assignee_id_3916ddb5"),
        _without(
            "prediction",
            "document",
            models.ForeignKey(
                "desk.document", on_delete=django.db.models.deletion.CASCADE, related_name="predictions", db_index=False
            ),
            "zuofeng_prediction_document_id_1517a4c9",
        ),
        *(
            migrations.AddIndex(
                "case",
                models.Index(condition=models.Q(**{f"{name}__isnull": False}), fields=[name], name=f"case_by_{name}"),
            )
            for name in ("group", "holder", "assignee")
        ),
        *(migrations.RunSQL(f"DROP INDEX IF EXISTS {name}", migrations.RunSQL.noop) for name in _LIKE),
    ]
