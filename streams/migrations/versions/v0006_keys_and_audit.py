"""API keys with a name, an end and without a merchant (the operator's own); and what operators did, which nobody can change."""

from alembic import op

revision = "0006"
down_revision = "0005"

UPGRADE = """
ALTER TABLE api_keys
    ALTER COLUMN merchant DROP NOT NULL,
    ALTER COLUMN livemode DROP NOT NULL,
    ADD COLUMN name text NOT NULL DEFAULT '',   -- what people call it
    ADD COLUMN expires_at timestamptz,          -- when it was rotated: the end of the overlap
    ADD COLUMN changed_at timestamptz,          -- when it was revoked or rotated: whoever remembers it must ask again
    ADD CONSTRAINT api_keys_are_a_merchants_or_the_operators CHECK (CASE
        WHEN merchant IS NULL THEN scopes = '{operator}' AND livemode IS NULL
        ELSE NOT 'operator' = ANY (scopes) AND livemode IS NOT NULL END);
CREATE INDEX api_keys_changed ON api_keys (changed_at) WHERE changed_at IS NOT NULL;

CREATE TABLE audit (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    actor   text NOT NULL CHECK (actor <> ''),  -- who did it, as they said or were logged in
    action  text NOT NULL,
    subject text NOT NULL,                      -- the id of a merchant, the prefix of a key
    detail  jsonb NOT NULL
);
CREATE INDEX audit_of_subject ON audit (subject, id);
CREATE INDEX audit_by_time ON audit (at, id);

CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is in the audit stays there as it is' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept();
"""

DOWNGRADE = """
DROP TABLE audit;
DROP FUNCTION audit_is_kept();
DELETE FROM api_keys WHERE merchant IS NULL;
ALTER TABLE api_keys
    DROP CONSTRAINT api_keys_are_a_merchants_or_the_operators,
    ALTER COLUMN merchant SET NOT NULL,
    ALTER COLUMN livemode SET NOT NULL,
    DROP COLUMN name, DROP COLUMN expires_at, DROP COLUMN changed_at;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(DOWNGRADE)
