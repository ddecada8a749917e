"""How far what is done once for the whole cluster has come: not a projection, this is where it is kept."""

from alembic import op

revision = "0004"
down_revision = "0003"

UPGRADE = """
CREATE TABLE checkpoints (
    name          text PRIMARY KEY,
    at            timestamptz NOT NULL,
    claimed_until timestamptz                 -- somebody is at it
);
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql("DROP TABLE checkpoints")
