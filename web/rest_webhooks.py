"""REST's merchants' webhooks: HTTP requests become calls of the operations. Nothing is decided here."""

from functools import partial

from aiohttp import web

from web import answers
from web.idempotency import HEADER as IDEMPOTENCY_KEY
from web.merchant_webhooks import MerchantWebhooks, Shown
from web.requests import authorization, json_body, no_query, query


class RestWebhooks:
    def __init__(self, webhooks: MerchantWebhooks) -> None:
        self._webhooks = webhooks

    async def create_webhook_endpoint(self, request: web.Request) -> web.Response:
        no_query(request)
        key = request.headers.getall(IDEMPOTENCY_KEY, [])
        made = await self._webhooks.create(authorization(request), key, partial(json_body, request))
        return _secret(made, 201, {"Location": f"/v1/webhook_endpoints/{made.view['id']}"})

    async def list_webhook_endpoints(self, request: web.Request) -> web.Response:
        return answers.read(request, await self._webhooks.all(authorization(request), query(request)))

    async def get_webhook_endpoint(self, request: web.Request) -> web.Response:
        no_query(request)
        return answers.read(request, await self._webhooks.one(authorization(request), _endpoint(request)))

    async def update_webhook_endpoint(self, request: web.Request) -> web.Response:
        no_query(request)
        body = partial(json_body, request)
        return answers.json(await self._webhooks.update(authorization(request), _endpoint(request), body))

    async def delete_webhook_endpoint(self, request: web.Request) -> web.Response:
        no_query(request)
        return answers.json(await self._webhooks.delete(authorization(request), _endpoint(request)))

    async def enable_webhook_endpoint(self, request: web.Request) -> web.Response:
        no_query(request)
        body = partial(json_body, request)
        return answers.json(await self._webhooks.enable(authorization(request), _endpoint(request), body))

    async def rotate_webhook_secret(self, request: web.Request) -> web.Response:
        no_query(request)
        key = request.headers.getall(IDEMPOTENCY_KEY, [])
        body = partial(json_body, request)
        return _secret(
            await self._webhooks.rotate(authorization(request), _endpoint(request), key, body), 200, {}
        )

    async def list_webhook_deliveries(self, request: web.Request) -> web.Response:
        page = await self._webhooks.deliveries(authorization(request), _endpoint(request), query(request))
        return answers.read(request, page)

    async def redeliver_webhook(self, request: web.Request) -> web.Response:
        no_query(request)
        delivery, body = request.match_info["delivery_id"], partial(json_body, request)
        return answers.json(await self._webhooks.redeliver(authorization(request), delivery, body))


def _endpoint(request: web.Request) -> str:
    return request.match_info["endpoint_id"]


def _secret(made: Shown, status: int, headers: dict[str, str]) -> web.Response:
    return answers.json(made.view, status, headers | (answers.REPLAYED if made.replayed else {}))
