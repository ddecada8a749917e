"""Exactly once inside Kafka, at full speed, on Faust: the heart of Millrace. Nothing in it knows payments.

    app = App("payments-writer", bootstrap=…, dead_letters="payments.dead-letters.v1", partitions=4)
    app.writer("payments.commands.v1", "payments", step)     # or app.gateway(topic, handle), app.follower(topic, apply)
    serve(app.serve())

A process has one group, one source topic and one of three roles. Here is why each piece is there, and what was seen on
a real Kafka without it. Each answer has a test that fails when the answer is switched off (tests/streams/delivery,
tests/faults/planted), and all of them together stand the chaos campaign (`python -m tests.faults.delivery.chaos`).

**One event per poll** (`transport.py`, `roles.py`). Faust spends 88 µs on an event, 60 of them on four tasks per
message. Our consumer hands an agent the list of records of one (partition, poll), and all sends leave in whole
batches (`sending.py`): 0.7-0.9 of a bare aiokafka loop without transactions, where plain Faust reaches 0.03.

**One transaction per batch and partition** (`transactions.py`). The last state of each key, the events, the dead
letters and the source offset commit together. Faust's own `exactly_once` gave 203 outputs for 200 inputs; its stock
commits ran 102 records ahead of the changelog, and 87 of 152 updates were gone after a SIGKILL. What is applied is ahead of
the log until it is committed. Hence the rule of the house: whatever is unexpected ends the process (`vital.py`), and who
starts next reads what was kept. A transaction takes 50 ms of steps and 2 MB at most: unbounded, 4,500 requests about one
heavy payment made one that outlasted its time-out, and again after every restart.

**Transactions in their second version** (`transactional_producer.py`, `protocol.py`; Kafka 4.0, KIP-890). Two requests per
transaction, where aiokafka's producer takes three through queues and tasks (writer 7.2 → 6.1 ms of CPU per payment at 30/s),
and commits although a batch has failed. The epoch rises with every transaction, so a request that arrives behind the end of
its own opens nothing; in the first version it opens a transaction that nobody knows of, and readers stop before it for good.

**The place is a record of the changelog** (`table.py`, `POSITION`). State and place can never disagree, and two requests
per transaction fall away (p50 13.7 → 9.2 ms at 100/s). Writers commit nothing to their group: when they did, a commit
with a generation just gone made aiokafka rejoin, which made the next one fail: a rebalance every two seconds, for good.

**Fencing** (`writer.py`, `own`). One transactional id per source partition, `{group}-{topic}-{partition}`. Who is
assigned a partition first raises the id's epoch, then reads the changelog, then seeks. A writer that was asleep through
the takeover wakes, is refused, and ends; without this it left 1-12 stale writes. One id per process would be cheaper,
but aiokafka's `TxnOffsetCommit` carries no member or generation. Everybody who reads what a writer sends must read
**committed records only**; ours do, and Faust's consumers do not by themselves.

**Recovery** (`recovery.py`). What is still open in the changelog after the fencing was left by a broker that lost a
marker (Kafka 4.3 and 4.4 do, when one is killed at the wrong moment): its commands would be applied again, and then both be
committed. The process ends instead, and says so. A reader of our own applies whole lists: 246,000 keys/s measured (Faust:
9,000). A table holds bytes, and what it keeps are copies of the exact size: about 200 bytes per key beyond key and value.
Faust gives a recovery that takes longer than a request's time-out up, and says nothing; ours ends the process. A partition
may be taken away in the midst, and Faust cancels the recovery last of all: so whose it is is asked again at every step.

**Rebalances** (`transport.py`, `app.hand_over`). Faust makes partitions active, fetches, seeks and then empties its queues:
what came in between vanished. Nothing flows from before the seek until after; `held.py` notices a gap all the same. Nor does a
recovery that ends once the next rebalance has begun let anything flow: it let a writer take its log's oldest commands anew.
aiokafka does not seek where the committed offset is none or 0: first records vanished; we seek to the beginning. A group
leader that lacks a topic's metadata assigned nothing to everyone, for good: it asks again, or dies. aiokafka only logs what a
listener raises: ours end the process. What runs gets `drain_s` to finish and is committed (without it 33-433 of 3,000
came twice per join); no longer, since a slow handler made an endless rebalance. A fatal error of the group (fenced, not
authorised) reaches only those who fetch, and before the first assignment nobody does: the process dies of it. So it does when
aiokafka has lost a task of its own, of which it tells nobody.

**The gateway** (`gateway.py`). Hundreds of handlers in flight, in order per key; a commit never passes an unfinished
record: out of order, slow heads were lost at a kill. Its producer is idempotent, which is not the default: a lost answer
duplicated a record. **The follower** (`follower.py`) applies batch after batch and commits behind what was applied.

**Poison** (`dead.py`). An agent of Faust that raises acks its event, and so does a decode error. Here keys and values stay
bytes; a handler raises `Poison` for what can never be handled, and anything else that escapes it ends the process. What a
poisoned step wrote never was. Dead letters need a little more room than their sources: `DEAD_LETTERS_CONFIG`.

**Answers** (`answers.py`) leave after the commit, at most once, by a producer of their own. Where they go was said by a
client, so topics that do not exist cost one look every two seconds, and nobody's place.

**Bounds.** A partition with enough in hand (`held.py`) is not polled, and aiokafka's idle clock is kept alive, or
back-pressure would leave the group. If nothing is finished for `stall_s` the process ends. SIGTERM ends it within
`stop_s`, whatever hangs, and says where: a rebalance begun while stopping, a stop while starting and a broker away each
used to hold it for ever. So did a commit whose answer a client lost when its broker died; that gateway worked on outside
its group, so a commit that hangs while the broker answers ends the process, too. `metrics.py` counts lag, rebalances
(with an alarm), commits, dead letters and dropped answers.

**Gathering** (`pace.py`). A transaction costs the same for one record as for twenty, so a writer's begin in rounds, 4 ms
apart when nothing is busy and up to 25 ms when they wait in queues; a gateway's outcomes likewise; and a follower polls
ten times a second. Ungathered, two cores that held broker, service and load fell behind at 300 payments/s.

**Brokers that are gone** (`gone_brokers.py`). One time-out of aiokafka's is for every request, and a join may take 30 s; so it
waited 40 for the answers and for the connections of a broker that had vanished, and a service with two brokers left stood
still for minutes. Connections, and what is answered at once, have bounds of their own.

**Leaders that are none any more** (`leader_epochs.py`, `stale_leaders.py`). Cut off from the others, but not from us, they say
that they lead, take what is never acknowledged, and have nothing new: commands waited for minutes, and nothing seemed wrong. So
every client asks who leads every 5 s, and believes nobody who tells of an older election than is known. What they have less than
was read of another is gone to aiokafka, and it began anew: a follower was handed offset 0 after 29,353. Who leads is asked
instead. What a topic let go is told.

**Settings that came from measurements.** Fetch wait 500 ms: idle, a writer, a gateway and the broker took 3.3 % of a core
together, at 100 ms 5.9 %, and p50 did not move, since a partition just read is fetched with the others at once.
`internals.py` lists every private part that all this leans on, and refuses other versions of both libraries at import.

The topic catalogue, not Faust, creates topics: for a writer also `changelog_topic(group, table)` with `CHANGELOG_CONFIG`,
and all of them with the same number of partitions. A process waits a minute for its topics, then ends and names them.

| exit status | why |
|---|---|
| 0 | SIGTERM or SIGINT, handed over in order |
| 70 | something unexpected; the log's last lines say what |
| 71 | told to stop, and not stopped within `stop_s` |
"""

from streams.delivery.app import CHANGELOG_CONFIG, App, changelog_topic
from streams.delivery.dead import DEAD_LETTERS_CONFIG
from streams.delivery.metrics import Metrics
from streams.delivery.records import Outgoing, Partition, Poison, Record, partition_of
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
    "partition_of",
    "serve",
]
