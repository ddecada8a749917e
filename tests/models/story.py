"""given(*commands).when(command).then(*events): a story about one payment. Every step is held against all the laws."""

from dataclasses import replace

from models import policy as policies
from models.codes import Code
from models.commands import Command
from models.events import CommandRefused, Event, EventData
from models.payment import Payment
from models.policy import Policy
from models.refund import Refund
from models.remembering import Remembered
from models.transaction import Transaction
from tests.models.laws import History
from tests.models.samples import refund_name


def given(*commands: Command, policy: Policy = policies.DEFAULT) -> "Story":
    """What was said so far, and taken in. All of the story is decided under `policy`."""
    story = Story(policy)
    for command in commands:
        story.history.say(command)
    return story


class Story:
    def __init__(self, policy: Policy = policies.DEFAULT) -> None:
        self.history = History(policy=policy)
        self.events: list[Event] = []

    def when(self, *commands: Command) -> "Story":
        self.events = [event for command in commands for event in self.history.say(command)]
        return self

    def then(self, *expected: EventData | type[EventData]) -> "Story":
        """Just these happened: each named by its kind, or told in full."""
        happened = [event.data for event in self.events]
        kinds = [kind if isinstance(kind, type) else type(kind) for kind in expected]
        assert [type(data) for data in happened] == kinds, happened
        for data, told in zip(happened, expected, strict=True):
            assert isinstance(told, type) or data == told
        self.history.check_whole()
        return self

    def then_nothing(self) -> "Story":
        return self.then()

    def then_refused(self, code: Code, command: str | None = None, rule: str | None = None) -> "Story":
        """One refusal with `code`, which settles `command` (by its id) and names `rule`, where those are given."""
        self.then(CommandRefused)
        (event,) = self.events
        assert isinstance(event.data, CommandRefused)
        assert event.data.code is code, event.data
        assert rule in (None, event.data.rule), event.data
        assert event.data.message
        return self if command is None else self.settling(command)

    def opening(self, *commands: str) -> "Story":
        assert [event.opens for event in self.events if event.opens] == list(commands)
        return self

    def settling(self, *commands: str) -> "Story":
        """Just these commands, by their ids, were answered by what happened."""
        names = [event.settles for event in self.events if event.settles]
        assert [name.partition("\n")[0] for name in names] == list(commands)
        return self

    def next_event(self, data: EventData, ahead: int = 1) -> Event:
        """What would happen next if it were `data`; `ahead`: how far after what happened last."""
        last = self.history.events[-1]
        return replace(last, sequence=last.sequence + ahead, data=data, opens=None, settles=None)

    @property
    def transaction(self) -> Transaction:
        assert self.history.transaction is not None
        return self.history.transaction

    @property
    def payment(self) -> Payment:
        assert self.transaction.payment is not None
        return self.transaction.payment

    def refund(self, n: int = 1) -> Refund:
        return self.transaction.refunds[refund_name(n)]

    def remembered(self, command: str) -> Remembered:
        return self.transaction.commands[command]
