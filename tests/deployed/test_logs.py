"""What processes that run have really written: each line is JSON, leads to its request and its trace, and holds no secret."""

import json
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from tests.deployed.conftest import TOLD_WITHIN_S, Client, Deployment
from tests.deployed.kafka import SCRAM_PASSWORD
from tests.system.stack import STRIPE_KEY, WEBHOOK_SECRET
from tests.system.waiting import until

CARD, EMAIL = "4000056655665556", "jenny.canary@mail.example.com"
SERVICE = ("writer-0", "gateway-0", "projection-0", "notifications-0", "analytics-0", "web-0")


def lines(deployment: Deployment) -> list[dict[str, Any]]:
    """Of all processes of the service. Raises for a line that is no JSON."""
    logs = deployment.service.folder.logs
    return [json.loads(line) for name in SERVICE for line in (logs / f"{name}.log").read_text().splitlines()]


async def test_a_line_leads_to_its_request_and_to_its_trace(deployment: Deployment, client: Client) -> None:
    status, headers, _ = await client.ask("POST", "/webhooks/stripe", {}, X_Request_Id="theirs-1")
    assert status == 400
    [line] = await until(
        lambda: [each for each in lines(deployment) if each.get("request_id") == headers["Request-Id"]],
        TOLD_WITHIN_S,
        "the request's line",
    )
    [span] = await until(
        lambda: [span for span in deployment.collector.spans if span.id == line["span_id"]],
        TOLD_WITHIN_S,
        "the line's span",
    )
    assert (line["process"], line["client_request_id"]) == ("web-0", "theirs-1")
    assert (span.name, span.trace) == ("POST /webhooks/stripe", line["trace_id"])


async def test_no_file_holds_a_secret_a_card_or_an_address(deployment: Deployment, client: Client) -> None:
    _, _, payment = await client.pay(str(uuid4()), receipt_email=EMAIL)
    assert payment["status"] == "captured"
    assert (await client.pay(str(uuid4()), description=CARD))[0] == 422
    await client.ask("GET", f"/v1/payments?customer={CARD}", None, X_Request_Id=CARD)
    await client.ask("POST", "/webhooks/stripe", {"card": CARD}, Stripe_Signature=WEBHOOK_SECRET)
    secrets: dict[str, str] = deployment.service.folder.read(deployment.service.folder.secrets)
    canaries = {
        *secrets.values(),
        str(urlsplit(deployment.postgres_dsn).password),
        *(SCRAM_PASSWORD, STRIPE_KEY, WEBHOOK_SECRET, CARD, EMAIL, "BEGIN PRIVATE KEY"),
    }
    all_logs = deployment.service.folder.logs.glob("*.log*")
    logs = [path for path in all_logs if path.stem != "supervisor"]  # tells the person their keys
    assert {path.stem for path in logs} >= {*SERVICE}
    for path in logs:
        text = path.read_text()
        for canary in canaries:
            assert canary not in text, path
    assert lines(deployment)
