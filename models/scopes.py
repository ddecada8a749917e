"""Scopes: what an API key or a signed token may be allowed, by name. Which operation needs which is the door's."""

PAYMENTS_READ, PAYMENTS_WRITE, REFUNDS_WRITE = "payments:read", "payments:write", "refunds:write"
WEBHOOKS_MANAGE, ANALYTICS_READ = "webhooks:manage", "analytics:read"

SCOPES = {
    PAYMENTS_READ: "Read payments, refunds and their stories.",
    PAYMENTS_WRITE: "Make, capture and cancel payments.",
    REFUNDS_WRITE: "Make refunds.",
    WEBHOOKS_MANAGE: "Manage one's own webhook endpoints.",
    ANALYTICS_READ: "Read counts, volumes and rates.",
}
"""A merchant's, all of them."""

OPERATOR = "operator"
"""The operator's alone: who has it belongs to no merchant, and no merchant's key or token can have it."""
