"""The schema: what can be asked for in GraphQL, and the operation behind each. The mutations are `commands`."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from models.commands import FieldError
from models.ports import View
from web.graphql.analytics import Analytics
from web.graphql.commands import Mutation
from web.graphql.context import Info
from web.graphql.inputs import given
from web.graphql.paging import Asked, Connection
from web.graphql.scalars import SCALARS, Metadata, Time
from web.graphql.types import Payment, PaymentEvent, PaymentStatus, Refund, happened, id_of
from web.problems import invalid


@strawberry.type(
    description="What can be read. What is not there, or is somebody else's, is an error `not_found`."
)
class Query:
    @strawberry.field(description="A payment.")
    async def payment(self, info: Info, id: strawberry.ID) -> Payment | None:
        found: Any = await info.context.operations.reading.payment(info.context.authorization, id)
        return found

    @strawberry.field(description="Payments, newest first.")
    async def payments(
        self,
        info: Info,
        status: PaymentStatus | None = None,
        currency: str | None = None,
        customer: str | None = None,
        created_after: Time | None = None,
        created_before: Time | None = None,
        metadata: Metadata | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Payment] | None:
        paging, context = Asked(first, after, last, before), info.context
        query = [
            *given(status=status, currency=currency, customer=customer),
            *given(created_after=created_after, created_before=created_before),
            *_by_metadata(metadata),
            *paging.query(),
        ]
        page = await context.operations.reading.payments(context.authorization, query)
        connection: Connection[Payment] = paging.connection(page, id_of)
        return connection

    @strawberry.field(description="What payments add up to. Needs the scope `analytics:read`.")
    def analytics(self) -> Analytics | None:
        return Analytics()

    @strawberry.field(description="A refund; of several payments' under one id the one made last.")
    async def refund(self, info: Info, id: strawberry.ID) -> Refund | None:
        found: Any = await info.context.operations.reading.refund(info.context.authorization, id)
        return found


@strawberry.type(description="What goes on, over graphql-transport-ws.")
class Subscription:
    @strawberry.subscription(
        description="A payment's events behind `afterSequence`, then each as it happens, without end. Without a `paymentId`: "
        "whatever happens from now on to any payment of the caller's."
    )
    async def payment_events(
        self, info: Info, payment_id: strawberry.ID | None = None, after_sequence: int | None = None
    ) -> AsyncGenerator[PaymentEvent, None]:
        watching, authorization = info.context.operations.watching, info.context.authorization
        if payment_id is not None:
            happening = watching.payment(authorization, payment_id, after_sequence or 0)
        elif after_sequence is None:
            happening = watching.all(authorization)
        else:
            raise invalid([FieldError("after_sequence", "goes with payment_id")])
        async with aclosing(happening):
            async for each in happening:
                yield happened(each.event, each.payment)  # type: ignore[misc]


def _by_metadata(wanted: Any) -> list[tuple[str, Any]]:
    if wanted is None:
        return []
    if not isinstance(wanted, dict):
        raise invalid([FieldError("metadata", "must be an object of names and values")])
    return [(f"metadata[{name}]", value) for name, value in wanted.items()]


class Checked(SchemaExtension):
    """The document was read and checked before it came here (`documents`): it is neither again."""

    def on_parse(self) -> Iterator[None]:
        self.execution_context.graphql_document = self.execution_context.context.document
        yield

    def on_validate(self) -> Iterator[None]:
        self.execution_context.pre_execution_errors = []
        yield


class Schema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Strawberry would log each, with what the client sent. `errors` decides what is logged."""


def _member(view: View, name: str) -> Any:
    return view.get(name)


SCHEMA = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    extensions=[Checked],
    config=StrawberryConfig(default_resolver=_member, scalar_map=SCALARS),
)

CORE = SCHEMA._schema
"""graphql-core's own form of it, for its validation: Strawberry has no other name for it."""
