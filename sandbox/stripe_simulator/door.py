"""One request of Stripe's API, through the layers in Stripe's order.

who asks (401, 403)  ->  rate limits (429)  ->  idempotency (replay, 400, 409)  ->  validation (400, not stored)
->  execution (its answer is stored, whatever it is)  ->  journal  ->  the answer leaves
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass

from aiohttp import web

from . import errors, routes, showing, striking
from .answers import Answer, Asked, of_error
from .authentication import authenticate
from .call import Call
from .change import Change, Origin
from .errors import StripeError
from .faults import Facts, Rule
from .forms import Pairs, fingerprint, nest, read_pairs
from .idempotency import Stored
from .identity import new_id
from .parameters import Parameters
from .records import JSON
from .routes import Endpoint
from .simulator import Simulator
from .striking import Gone

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Request:
    """One request as the layers see it."""

    asked: Asked
    endpoint: Endpoint
    object_id: str
    target: str  # method and path, what a key is bound to
    pairs: Pairs
    tree: JSON
    account: str
    livemode: bool
    facts: Facts
    writes: bool

    @property
    def name(self) -> tuple[str, str] | None:
        """The idempotency layer knows POSTs only."""
        return (self.account, self.asked.key) if self.writes and self.asked.key is not None else None


class Door:
    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    async def answer(self, http: web.BaseRequest) -> web.StreamResponse:
        asked = Asked(
            new_id("request"), http.headers.get("Idempotency-Key"), http.headers.get("Stripe-Version")
        )
        counted = "unknown"
        try:
            request = await self._read(http, asked)
            counted = request.endpoint.name
            answer = await self._through(http, request)
            struck = self._faults("answer", request)
        except StripeError as error:
            answer, struck = of_error(error, asked.request_id), []
        except Gone:
            self._count(counted, "connection_lost")
            return web.Response()
        except Exception:
            log.exception("the simulator itself failed")
            answer, struck = of_error(errors.internal(), asked.request_id), []
        self._count(counted, str(answer.status), answer.replay_of is not None)
        return await striking.on_the_way_out(http, answer, asked, struck)

    # -- layers ----------------------------------------------------------------------------------------------------

    async def _read(self, http: web.BaseRequest, asked: Asked) -> Request:
        path, _, query = http.raw_path.partition("?")
        account, livemode = authenticate(
            http.headers.get("Authorization"), http.headers.get("Stripe-Account")
        )
        if "Stripe-Account" in http.headers:
            self.simulator.books.connected.add(account)
        found = routes.find(http.method, path)
        if found is None:
            raise errors.unknown_url(http.method, path)
        writes = http.method == "POST"
        text = (await http.read()).decode("utf-8", "replace") if writes else query
        if writes and text[:1] in ("{", "["):
            raise errors.invalid(
                "Invalid request: POST bodies are application/x-www-form-urlencoded, not JSON."
            )
        pairs = read_pairs(text)
        tree = nest(pairs)
        endpoint, object_id = found
        facts = Facts(endpoint.name, account, None, asked.key)
        if self.simulator.faults.rules:
            facts.payment = self.simulator.payment_of(tree, object_id)
        target = f"{http.method} {path}"
        return Request(asked, endpoint, object_id, target, pairs, tree, account, livemode, facts, writes)

    async def _through(self, http: web.BaseRequest, request: Request) -> Answer:
        self._limit(request)
        for rule in self._faults("door", request):
            striking.at_the_door(http, rule)
        name = request.name
        if name is None:
            return await self._execute(request, None)
        keys = self.simulator.keys
        print_ = fingerprint(request.pairs)
        stored = keys.find(name, request.target, print_, self.simulator.clock.now())
        if stored is not None:
            await self._latency(2)
            body = self.simulator.journal.read_body(stored.offset, stored.length)
            return Answer(stored.status, body, stored.should_retry, stored.request_id)
        keys.in_flight.add(name)
        try:
            return await self._execute(request, print_)
        finally:
            keys.in_flight.discard(name)

    def _limit(self, request: Request) -> None:
        limits = self.simulator.limits
        if limits.enabled:
            now = self.simulator.clock.now()
            met = limits.take(request.account, request.endpoint.name, now)
            if met:
                raise errors.rate_limited(met)

    async def _execute(self, request: Request, print_: int | None) -> Answer:
        parameters = Parameters(request.tree)
        read = request.endpoint.read(parameters)
        expansions = parameters.expansions()
        parameters.close()
        struck = self._faults("execution", request)
        await self._latency(1)
        asked_key = request.asked.key or ""
        for rule in struck:
            await striking.before_execution(rule, asked_key)
        answer = self._run(request, parameters, read, expansions, print_, struck)
        await self._latency(1)
        return answer

    def _run(
        self,
        request: Request,
        parameters: Parameters,
        read: object,
        expansions: list[str],
        print_: int | None,
        struck: list[Rule],
    ) -> Answer:
        """Executes, journals and returns the answer, in one go: nothing else runs in between."""
        asked = request.asked
        change = self._new_change(request)
        broken = next((rule for rule in struck if rule.kind == "stored_500"), None)
        try:
            if broken and not broken.executed:
                raise errors.internal()
            call = Call(
                change,
                parameters,
                request.object_id,
                self.simulator.timing,
                self.simulator.webhooks.delivered,
            )
            result = request.endpoint.run(call, read)
        except StripeError as refusal:
            change = self._new_change(request)
            self._note_refusal(change, request, refusal)
            result = refusal
        answer = showing.answer(self.simulator, change, result, expansions, asked.request_id)
        if broken:
            answer = of_error(errors.internal(), asked.request_id)
        self._commit(change, request, answer, print_)
        return answer

    def _commit(self, change: Change, request: Request, answer: Answer, print_: int | None) -> None:
        if request.name is None or print_ is None:
            if change.records or change.entries:
                self.simulator.commit(change)
            return
        at = round(change.now, 3)
        stored = Stored(
            request.target, print_, answer.status, answer.should_retry, request.asked.request_id, at, 0, 0
        )
        self.simulator.commit(change, (request.name, stored, answer.body))

    # -- faults ----------------------------------------------------------------------------------------------------

    def _faults(self, stage: str, request: Request) -> list[Rule]:
        return self.simulator.faults.take(stage, request.facts) if self.simulator.faults.rules else []

    async def _latency(self, halves: int) -> None:
        if self.simulator.faults.latency_s:
            await asyncio.sleep(self.simulator.faults.half_latency_s() * halves)

    # -- small things ----------------------------------------------------------------------------------------------

    def _new_change(self, request: Request) -> Change:
        origin = Origin(request.asked.request_id, request.asked.key if request.writes else None)
        now = self.simulator.clock.now()
        return Change(self.simulator.books, request.account, request.livemode, now, origin)

    def _note_refusal(self, change: Change, request: Request, refusal: StripeError) -> None:
        if request.endpoint.ledger and refusal.status < 500:
            payment = self.simulator.payment_of(request.tree, request.object_id)
            change.refuse(request.endpoint.ledger, request.tree, request.object_id, payment, refusal)

    def _count(self, endpoint: str, outcome: str, replayed: bool = False) -> None:
        counter = self.simulator.requests.setdefault(endpoint, Counter())
        counter["total"] += 1
        counter[outcome] += 1
        if replayed:
            counter["replayed"] += 1
