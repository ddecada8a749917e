"""Safe delivery on Faust: exactly once inside Kafka, at full speed. (Essay to follow with the measurements.)"""

from streams.delivery.app import CHANGELOG_CONFIG, App, changelog_topic
from streams.delivery.dead import DEAD_LETTERS_CONFIG
from streams.delivery.metrics import Metrics
from streams.delivery.records import Outgoing, Partition, Poison, Record
from streams.delivery.serving import serve
from streams.delivery.table import POSITION, Table
from streams.delivery.writer import Out

__all__ = [
    "CHANGELOG_CONFIG",
    "DEAD_LETTERS_CONFIG",
    "POSITION",
    "App",
    "Metrics",
    "Out",
    "Outgoing",
    "Partition",
    "Poison",
    "Record",
    "Table",
    "changelog_topic",
    "serve",
]
