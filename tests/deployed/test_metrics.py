"""The page of metrics and what running processes say are the same, in every word; and names are as Prometheus wants them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import aiohttp
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.deployed.conftest import Client, Deployment

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
ROW = re.compile(r"\| `(millrace_\w+)` \| (\w+) \| ([\w, ]*) ?\| (.+) \|")
OF_A_SERIES = {"histogram": {"le"}, "counter": set[str](), "gauge": set[str]()}


class Told(NamedTuple):
    type: str
    labels: frozenset[str]
    meaning: str


def page(*titles: str) -> dict[str, Told]:
    """The rows of the sections with these titles."""
    sections = PAGE.read_text().split("\n## ")[1:]
    assert {*titles} <= {section.splitlines()[0] for section in sections}
    rows = [ROW.fullmatch(line) for each in sections if each.startswith(titles) for line in each.splitlines()]
    return {
        row[1]: Told(row[2], frozenset(row[3].replace(" ", "").split(",")) - {""}, row[4])
        for row in rows
        if row
    }


AGENT = "Every agent (`writer`, `gateway`, `projection`, `notifications`, `analytics`)"
SECTIONS = {
    "web": ("The door (`web`)",),
    "writer": (AGENT, "The writer besides"),
    "gateway": (AGENT, "The gateway besides"),
    "projection": (AGENT,),
    "notifications": (AGENT, "Notifications besides"),
    "analytics": (AGENT, "Analytics besides"),
}


def ours(text: str) -> Iterator[Metric]:
    for family in text_string_to_metric_families(text):
        if family.name.startswith("millrace_"):
            yield family


def name_of(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


async def exposed(deployment: Deployment, role: str) -> str:
    address = deployment.service.parts()[f"{role}-0"]["address"]
    tls = deployment.authority.client()
    async with aiohttp.ClientSession() as http, http.get(f"{address}/metrics", ssl=tls) as answer:
        assert answer.status == 200
        return await answer.text()


@pytest.mark.parametrize("role", SECTIONS)
async def test_the_page_says_what_a_running_process_says(
    role: str, deployment: Deployment, client: Client
) -> None:
    _, _, payment = await client.pay(str(uuid4()))
    await client.pay("")  # a problem
    assert payment["status"] == "captured"
    told, found = (
        page(*SECTIONS[role]),
        {name_of(each): each for each in ours(await exposed(deployment, role))},
    )
    assert set(found) == set(told)
    for name, family in found.items():
        labels = {label for sample in family.samples for label in sample.labels} - OF_A_SERIES[family.type]
        assert (family.type, family.documentation) == (told[name].type, told[name].meaning), name
        assert not family.samples or labels == told[name].labels, name


async def test_how_long_a_send_to_stripe_took_is_counted_by_endpoint_and_status(
    deployment: Deployment, client: Client
) -> None:
    await client.pay(str(uuid4()))
    [family] = [
        each
        for each in ours(await exposed(deployment, "gateway"))
        if "duration" in each.name and "stripe" in each.name
    ]
    counts = {
        (sample.labels["endpoint"], sample.labels["status"]): sample.value
        for sample in family.samples
        if sample.name.endswith("_count")
    }
    assert counts["POST /payment_intents", "200"] >= 1


def test_names_say_their_unit_and_labels_are_none_of_an_id() -> None:
    rows = {name: told for titles in SECTIONS.values() for name, told in page(*titles).items()}
    assert rows
    for name, told in rows.items():
        assert name.endswith("_total") == (told.type == "counter"), name
        assert "milliseconds" not in name
        assert "_ms" not in name
        assert told.type != "histogram" or name.endswith("_seconds"), name
        assert not {"payment", "merchant", "request", "customer", "path", "key"} & told.labels, name


def test_alerts_ask_only_for_what_there_is() -> None:
    alerts = (PAGE.parent / "operating.md").read_text().split("## Alerts")[1]
    asked = {name.removesuffix("_bucket") for name in re.findall(r"millrace_\w+", alerts)}
    known = {name for titles in SECTIONS.values() for name in page(*titles)}
    assert asked
    assert asked <= known
