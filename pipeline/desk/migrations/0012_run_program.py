from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0011_blind"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="program",
            field=models.TextField(default=""),
        ),
    ]
