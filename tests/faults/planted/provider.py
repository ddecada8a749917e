"""Safeguards between us and the provider, switched off: keys and parameters of what is sent."""

import time
import uuid
from collections import Counter
from dataclasses import replace as changed
from typing import Any

from tests.faults.planted.registry import bug, replace

GATEWAY = ("gateway",)


@bug("streams.adapters.stripe_line", GATEWAY, ("F9", "F10"), ("I1",))
def keys_at_random(stripe_line: Any) -> None:
    """Every send has an idempotency key of its own."""
    post = stripe_line.Turn.post

    async def anew(self: Any, path: str, parameters: Any, key: str, *more: Any) -> Any:
        return await post(self, path, parameters, str(uuid.uuid4()), *more)

    replace(stripe_line.Turn, "post", anew)


@bug("streams.adapters.stripe_provider", GATEWAY, ("F9",), ("I1",))
def doubt_raises_the_attempt(stripe_provider: Any) -> None:
    """Each time that a call is made again, its attempt is one higher: after a doubt it is sent under a new key."""
    perform = stripe_provider.StripeProvider.perform
    made: Counter[str] = Counter()

    async def raised(self: Any, call: Any) -> Any:
        of, _, attempt = call.key.rpartition(":")
        key = f"{of}:{int(attempt) + made[call.key]}"
        made[call.key] += 1
        return await perform(self, changed(call, key=key))

    replace(stripe_provider.StripeProvider, "perform", raised)


@bug("streams.adapters.stripe_requests", GATEWAY, ("F9", "F10"), ("I1", "I14"))
def parameters_anew(stripe_requests: Any) -> None:
    """What is sent is put together anew each time, with what is then true: one key, several contents."""
    request_of = stripe_requests.request_of

    def now(call: Any, multicapture: bool) -> Any:
        request = request_of(call, multicapture)
        if "metadata" in request.parameters:
            told = request.parameters["metadata"] | {"sent_at": str(time.time())}
            return changed(request, parameters=request.parameters | {"metadata": told})
        return request

    replace(stripe_requests, "request_of", now)
