"""The ids that a merchant and an idempotency key lead to, for whoever writes commands to Kafka. Nothing is asked of the service.

Source: web/documents/asyncapi.json. One namespace covers Kafka, REST, GraphQL and gRPC: the same merchant and key are the same
payment.
"""

from uuid import UUID, uuid5

NAMESPACE = UUID("6f1f9c1e-2a64-5c0f-9d54-0b8f5f3c7a11")


def command_id_for(merchant: str, idempotency_key: str) -> str:
    """`ce_id` of the command, as it stands in the record's headers."""
    return str(_uuid(merchant, idempotency_key))


def payment_id_for(merchant: str, idempotency_key: str) -> str:
    """`pay_…` of the payment that a create with this key makes."""
    return f"pay_{_uuid(merchant, idempotency_key).hex}"


def refund_id_for(merchant: str, idempotency_key: str) -> str:
    """`re_…` of the refund that a request with this key makes."""
    return f"re_{_uuid(merchant, idempotency_key).hex}"


def _uuid(merchant: str, idempotency_key: str) -> UUID:
    return uuid5(NAMESPACE, f"{merchant}\n{idempotency_key}")
