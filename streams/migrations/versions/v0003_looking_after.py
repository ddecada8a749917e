"""Two indexes for whoever looks after payments: whose a provider's intent is, and which payments are in doubt."""

from alembic import op

revision = "0003"
down_revision = "0002"

UPGRADE = r"""
ALTER TABLE payments ADD COLUMN payment_intent text;   -- an index into the body would read it whole, and fail of a NUL in it
UPDATE payments SET payment_intent =
    substring(body::text from '"provider": ?\{"name": ?"stripe", ?"payment_intent": ?"(pi_[A-Za-z0-9_]+)"');
CREATE INDEX payments_by_intent ON payments (payment_intent);
CREATE INDEX payments_in_doubt ON payments (created_at) WHERE status IN ('unknown', 'manual_review');
CREATE INDEX refunds_in_doubt ON refunds (created_at) WHERE status IN ('unknown', 'manual_review');
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(
        "DROP INDEX payments_in_doubt, refunds_in_doubt; ALTER TABLE payments DROP COLUMN payment_intent"
    )
