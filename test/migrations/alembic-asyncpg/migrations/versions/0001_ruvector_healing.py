from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.execute(Path("ruvector_healing.sql").read_text())


def downgrade():
    pass
