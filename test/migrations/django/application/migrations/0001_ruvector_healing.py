from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    operations = [migrations.RunSQL(Path("ruvector_healing.sql").read_text(), "")]
