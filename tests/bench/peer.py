"""The same job as it is built by default: FastAPI over PostgreSQL, Stripe called within the request: `python -m tests.bench.peer`

With its best settings: uvloop and httptools, asyncpg with prepared statements, a client that keeps its connections. It
records the payment before it asks Stripe and under a key that is unique, and leaves everything else out that Millrace does:
no retry, no event, nothing that ends what a crash leaves open.
"""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import aiohttp
import asyncpg  # type: ignore[import-untyped]
import orjson
import uvicorn
from fastapi import FastAPI, Header, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field

from models.ids import command_uuid, payment_id

STRIPE = os.environ.get("MILLRACE_STRIPE_API_BASE", "")
CONNECTIONS = 16
TABLE = """
CREATE TABLE IF NOT EXISTS peer_payments (
    id text PRIMARY KEY, merchant text NOT NULL, key text NOT NULL, asked jsonb NOT NULL, status text NOT NULL, intent text,
    body jsonb, created_at timestamptz NOT NULL DEFAULT now(), UNIQUE (merchant, key)
)
"""
HOLDER = "SELECT merchant FROM api_keys WHERE hash = $1 AND revoked_at IS NULL"
RECORD = """
INSERT INTO peer_payments (id, merchant, key, asked, status) VALUES ($1, $2, $3, $4, 'processing')
ON CONFLICT (merchant, key) DO NOTHING RETURNING id
"""
KNOWN = "SELECT body::text FROM peer_payments WHERE merchant = $1 AND key = $2 AND asked = $3"
SETTLE = "UPDATE peer_payments SET status = $2, intent = $3, body = $4 WHERE id = $1"


class PaymentBody(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    amount: Annotated[int, Field(ge=1, le=99_999_999)]
    currency: Annotated[str, Field(pattern="^[a-z]{3}$")]
    payment_method: Annotated[str, Field(max_length=255)]
    metadata: dict[str, str] = {}


class Peer:
    """What a request needs: the pool, the provider, the keys seen."""

    pool: Any
    http: aiohttp.ClientSession

    def __init__(self) -> None:
        self.holders: dict[bytes, str] = {}

    async def merchant(self, authorization: str) -> str:
        digest = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).digest()
        if digest not in self.holders:
            found = await self.pool.fetchval(HOLDER, digest)
            if found is None:
                raise HTTPException(401)
            self.holders[digest] = found
        return self.holders[digest]

    async def charge(self, id: str, body: PaymentBody) -> dict[str, Any]:
        form = {
            "amount": str(body.amount),
            "currency": body.currency,
            "payment_method": body.payment_method,
            "confirm": "true",
            "metadata[payment_id]": id,
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
        }
        headers = {"Authorization": "Bearer sk_test_bench", "Idempotency-Key": f"{id}:create:1"}
        async with self.http.post(f"{STRIPE}/v1/payment_intents", data=form, headers=headers) as answer:
            said: dict[str, Any] = orjson.loads(await answer.read())
            return said


peer = Peer()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    peer.pool = await asyncpg.create_pool(
        os.environ["MILLRACE_POSTGRES_DSN"], min_size=CONNECTIONS, max_size=CONNECTIONS
    )
    await peer.pool.execute(TABLE)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as peer.http:
        yield
    await peer.pool.close()


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def ready() -> dict[str, bool]:
    return {"ready": True}


@app.post("/v1/payments")
async def create(
    body: PaymentBody, authorization: Annotated[str, Header()], idempotency_key: Annotated[str, Header()]
) -> Response:
    merchant = await peer.merchant(authorization)
    id = payment_id(command_uuid(merchant, idempotency_key))
    asked = body.model_dump_json()
    if await peer.pool.fetchval(RECORD, id, merchant, idempotency_key, asked) is None:
        known = await peer.pool.fetchval(KNOWN, merchant, idempotency_key, asked)
        if known is None:
            raise HTTPException(409)
        return Response(known, 201, media_type="application/json")
    intent = await peer.charge(id, body)
    status = "captured" if intent.get("status") == "succeeded" else "declined"
    made = orjson.dumps(
        {"id": id, "object": "payment", "merchant": merchant, "status": status, **body.model_dump()}
    )
    await peer.pool.execute(SETTLE, id, status, intent.get("id"), made.decode())
    return Response(made, 201, media_type="application/json")


if __name__ == "__main__":
    port = int(os.environ["MILLRACE_HTTP_PORT"])
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
