from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0012_run_program"),
    ]

    operations = [
        migrations.AddField(
            model_name="case",
            name="purged",
            field=models.BooleanField(default=False),
        ),
        migrations.RunSQL(
            "UPDATE zuofeng_case SET purged = true WHERE document_id IN (SELECT id FROM zuofeng_document WHERE purged)",
            migrations.RunSQL.noop,
        ),
    ]
