"""The outbox of mails: receipts and alerts, until they are sent and for a while after. No log tells what became of them."""

from alembic import op

revision = "0007"
down_revision = "0006"

UPGRADE = """
CREATE TABLE mails (
    id         text PRIMARY KEY,              -- of what it tells, and whom: the same again is the same mail
    kind       text NOT NULL,
    about      text NOT NULL,                 -- a payment's id, or a dead letter's name
    recipient  text NOT NULL,                 -- and what follows: empty once it is forgotten
    subject    text NOT NULL,
    text       text NOT NULL,
    html       text NOT NULL,
    status     text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'sent', 'bounced', 'given_up')),
    attempts   integer NOT NULL DEFAULT 0,
    answer     text,                          -- the last one's: a server's own words
    created_at timestamptz NOT NULL DEFAULT now(),
    next_at     timestamptz NOT NULL DEFAULT now(),  -- while it is leased: the lease's end
    ended_at timestamptz
);
CREATE INDEX mails_due      ON mails (next_at) WHERE status = 'waiting';
CREATE INDEX mails_newest   ON mails (created_at DESC, id);
CREATE INDEX mails_about    ON mails (about);
CREATE INDEX mails_settled  ON mails (ended_at) WHERE recipient <> '';
CREATE INDEX payments_unknown ON payments (created_at) WHERE status = 'unknown';
"""

DOWNGRADE = "DROP TABLE mails; DROP INDEX payments_unknown"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(DOWNGRADE)
