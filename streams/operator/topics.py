"""`millrace topics`: what there is and what is missing, with how long each keeps its records."""

import asyncio
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from streams import topics
from streams.kafka_clients import client_settings, reaching
from streams.operator.printing import show
from streams.settings import load


def create(as_json: bool) -> None:
    """Create what is missing. Raises Unavailable, SettingsRefused."""
    created = asyncio.run(topics.create(load()))
    if as_json:
        show([{"created": name} for name in created], as_json)
    else:
        print(f"created: {', '.join(created)}" if created else "all topics are there already")


def list_all(as_json: bool) -> None:
    show(asyncio.run(_described()), as_json)


async def _described() -> list[dict[str, Any]]:
    settings = load()
    admin = AIOKafkaAdminClient(**client_settings(settings))
    try:
        with reaching(settings):
            await admin.start()
            existing = set(await admin.list_topics())
            known = [topic for topic in topics.catalogue(settings) if topic.name in existing]
            found = {
                each["topic"]: len(each["partitions"])
                for each in await admin.describe_topics([topic.name for topic in known])
            }
    finally:
        await admin.close()
    return [
        {
            "topic": topic.name,
            "partitions": found.get(topic.name),
            "kept": topics.kept(topic),
            "holds": topic.holds if topic.name in found else "(missing: millrace topics create)",
        }
        for topic in topics.catalogue(settings)
    ]
