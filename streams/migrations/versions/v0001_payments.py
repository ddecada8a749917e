"""The projection: payments, their refunds and their stories. Written by the projection alone, and always rebuildable.

`body` is `json`, not `jsonb`: it gives back the very text that was projected, and takes the NUL characters (as escapes)
that `jsonb` refuses and that would stop the projection for good. No foreign keys: rows of one transaction come together.
"""

from alembic import op

revision = "0001"
down_revision = None

UPGRADE = """
CREATE TABLE payments (
    id               text PRIMARY KEY,
    merchant         text NOT NULL,
    sequence         bigint NOT NULL,       -- of the newest event that is in here: an older one changes nothing
    status           text NOT NULL,
    amount           bigint NOT NULL,       -- minor units of currency
    currency         text NOT NULL,
    customer         text,
    metadata         jsonb NOT NULL,
    metadata_digests bigint[] NOT NULL,     -- one for each (merchant, name, value): what the filter's index holds
    body             json NOT NULL,         -- the payment as the API shows it
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL
);

-- a page is read newest first, and each filter has its own way there
CREATE INDEX payments_newest      ON payments (merchant, created_at DESC, id DESC);
CREATE INDEX payments_by_status   ON payments (merchant, status, created_at DESC, id DESC);
CREATE INDEX payments_by_currency ON payments (merchant, currency, created_at DESC, id DESC);
CREATE INDEX payments_by_customer ON payments (merchant, left(customer, 200), created_at DESC, id DESC)
    WHERE customer IS NOT NULL;
CREATE INDEX payments_by_metadata ON payments USING gin (metadata_digests)
    WHERE metadata_digests <> '{}';

CREATE TABLE refunds (
    payment_id text NOT NULL,
    id         text NOT NULL,               -- chosen by the merchant on Kafka: unique on its payment only
    merchant   text NOT NULL,
    sequence   bigint NOT NULL,             -- of its payment
    status     text NOT NULL,
    amount     bigint NOT NULL,
    body       json NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (payment_id, id)
);
CREATE INDEX refunds_of_merchant ON refunds (merchant, id);

CREATE TABLE payment_events (
    payment_id   text NOT NULL,
    sequence     bigint NOT NULL,
    id           text NOT NULL,
    type         text NOT NULL,
    merchant     text NOT NULL,             -- whose payment it is
    sender       text,                      -- of a refused command: it may have been a stranger, who alone may see it
    at           timestamptz NOT NULL,
    causation_id text NOT NULL,
    body         json NOT NULL,
    PRIMARY KEY (payment_id, sequence)
);
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql("DROP TABLE payment_events, refunds, payments")
