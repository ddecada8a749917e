"""Merchants' webhook endpoints, what is on its way to them, and every attempt."""

from alembic import op

revision = "0008"
down_revision = "0007"

UPGRADE = """
CREATE TABLE webhook_endpoints (
    id             text PRIMARY KEY,
    merchant       text NOT NULL,
    url            text NOT NULL,
    event_types    text[] NOT NULL,
    ordered        boolean NOT NULL DEFAULT false,
    description    text NOT NULL DEFAULT '',
    secret         bytea NOT NULL,       -- sealed (AES-GCM)
    secret_request uuid NOT NULL,        -- that made it: asked again, it is told again
    old_secret     bytea,                -- signs as well until old_until
    old_request    uuid,
    old_until      timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    failing_since  timestamptz,          -- NULL: the last attempt went well
    disabled_at    timestamptz,
    disabled_why   text
);
CREATE INDEX webhook_endpoints_of_merchant ON webhook_endpoints (merchant, created_at, id);

CREATE TABLE webhook_deliveries (
    id          text PRIMARY KEY,        -- the webhook-id
    endpoint    text NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
    event       text NOT NULL,
    merchant    text NOT NULL,
    type        text NOT NULL,
    payment     text NOT NULL,
    sequence    bigint NOT NULL,
    payload     text NOT NULL,
    state       text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts    integer NOT NULL DEFAULT 0,
    tries       integer NOT NULL DEFAULT 0,            -- of the present schedule: sent again by hand, it begins anew
    next_at     timestamptz NOT NULL DEFAULT now(),    -- when it is due; moved on by who leases it
    created_at  timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    UNIQUE (endpoint, event)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint, next_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_in_order ON webhook_deliveries (endpoint, payment, sequence) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (endpoint, created_at DESC, id DESC);

CREATE TABLE webhook_attempts (
    delivery  text NOT NULL REFERENCES webhook_deliveries ON DELETE CASCADE,
    number    integer NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    took_ms   integer NOT NULL,
    status    integer,
    answer    text NOT NULL,             -- its first KiB
    error     text,
    PRIMARY KEY (delivery, number)
);
"""

DOWNGRADE = "DROP TABLE webhook_attempts, webhook_deliveries, webhook_endpoints"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(DOWNGRADE)
