from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from django.db.models.deletion import CASCADE, PROTECT

import pipeline.desk.models

_JSON = ("decided", "scores", "evidence")
_COMPARED = """
INSERT INTO zuofeng_tally (name, at, cases, data)
SELECT 'compared', CURRENT_TIMESTAMP, 0, CAST(CAST(coalesce(max(case_id), 0) AS text) AS {json}) FROM zuofeng_signature
"""
#: A label's number served nothing; its key finds those of a case as well.
_LABELS = {
    "postgresql": """
ALTER TABLE zuofeng_case_label DROP COLUMN id, ADD PRIMARY KEY (case_id, label);
DROP INDEX zuofeng_case_label_case_id_f56840fc;
""",
    "sqlite": """
CREATE TABLE zuofeng_case_label_new (
    case_id bigint NOT NULL, label varchar(80) NOT NULL, by_people bool NOT NULL, PRIMARY KEY (case_id, label),
    CONSTRAINT one_row_per_case_label UNIQUE (label, case_id)
) WITHOUT ROWID;
INSERT INTO zuofeng_case_label_new SELECT case_id, label, by_people FROM zuofeng_case_label ORDER BY case_id, label;
DROP TABLE zuofeng_case_label;
ALTER TABLE zuofeng_case_label_new RENAME TO zuofeng_case_label;
""",
}
#: Nobody looks for documents by their run, nor for cases by their prediction.
_UNASKED = """
DROP INDEX IF EXISTS zuofeng_document_run_id_1d495ce2;
DROP INDEX IF EXISTS zuofeng_case_prediction_id_511e8139;
"""


class _LooseField(migrations.AlterField):
    """Let go of a key's constraint; SQLite would write the whole table anew, and checks keys at little cost."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)


def _loose(model: str, name: str, kind: type[Any], to: str, on_delete: Any, **options: Any) -> _LooseField:
    return _LooseField(model, name, kind(to=to, on_delete=on_delete, db_constraint=False, **options))


def _plain(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    """Keep JSON as it was written, all in one passage over the table."""
    if editor.connection.vendor == "postgresql":
        types = ", ".join(f"ALTER {name} TYPE json" for name in _JSON)
        editor.execute(f"ALTER TABLE zuofeng_prediction {types}")
        for name in _JSON[1:]:
            editor.execute(f"ALTER TABLE zuofeng_prediction ALTER {name} SET STORAGE EXTERNAL")


def _label(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in _LABELS[editor.connection.vendor].strip().split(";\n"):
        editor.execute(statement)


def _mark(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    """Say that all cases were compared: those that were not say so themselves."""
    editor.execute(_COMPARED.format(json="jsonb" if editor.connection.vendor == "postgresql" else "text"))


class Migration(migrations.Migration):
    """What a night writes a million times is looked up, put in order and taken apart less often."""

    dependencies = [
        ("desk", "0017_less_to_write"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunPython(_plain)],
            [migrations.AlterField("prediction", name, pipeline.desk.models.PlainJSON()) for name in _JSON],
        ),
        _loose("document", "run", models.ForeignKey, "desk.run", PROTECT, related_name="+"),
        _loose("prediction", "run", models.ForeignKey, "desk.run", PROTECT, related_name="+"),
        _loose("case", "prediction", models.ForeignKey, "desk.prediction", PROTECT, related_name="+"),
        _loose("caselabel", "case", models.ForeignKey, "desk.case", CASCADE, related_name="labels"),
        _loose(
            "signature",
            "case",
            models.OneToOneField,
            "desk.case",
            CASCADE,
            related_name="signature",
            primary_key=True,
            serialize=False,
        ),
        migrations.SeparateDatabaseAndState(
            [migrations.RunPython(_label)],
            [
                migrations.RemoveField("caselabel", "id"),
                migrations.AddField(
                    "caselabel",
                    "pk",
                    models.CompositePrimaryKey(
                        "case_id", "label", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                migrations.AlterField(
                    "caselabel",
                    "case",
                    models.ForeignKey(
                        "desk.case", on_delete=CASCADE, related_name="labels", db_index=False, db_constraint=False
                    ),
                ),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(_UNASKED)],
            [
                migrations.AlterField(
                    "document",
                    "run",
                    models.ForeignKey(
                        "desk.run", on_delete=PROTECT, related_name="+", db_index=False, db_constraint=False
                    ),
                ),
                migrations.AlterField(
                    "case",
                    "prediction",
                    models.ForeignKey(
                        "desk.prediction", on_delete=PROTECT, related_name="+", db_index=False, db_constraint=False
                    ),
                ),
            ],
        ),
        migrations.RunPython(_mark),
    ]
