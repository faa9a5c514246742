import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0010_load"),
    ]

    operations = [
        migrations.AddField(
            model_name="case",
            name="blind",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="BlindDraw",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sample", models.CharField(max_length=60)),
                ("text_hash", models.CharField(max_length=64)),
                ("probability", models.FloatField()),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "document",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="desk.document"
                    ),
                ),
            ],
            options={
                "db_table": "zuofeng_blind_draw",
                "constraints": [models.UniqueConstraint(fields=("sample", "document"), name="drawn_once_per_sample")],
            },
        ),
    ]
