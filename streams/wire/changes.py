"""An event record as whoever keeps payments takes it in: the event as REST shows it, beside the payment as it then stands.
Where it is kept is not known here.
"""

from models.codes import Code
from models.ports import Change, EventRecord
from streams.delivery import Poison, Record
from streams.wire import events


def change_of(record: Record) -> Change:
    """Raises Poison for what is no event."""
    story = story_of(record)
    event = EventRecord(
        story.id,
        story.type,
        story.payment_id,
        story.content["merchant"],
        story.sequence,
        story.at,
        story.causation_id,
        events.public(story),
        events.for_operators(story),
    )
    return Change(event, story.content.get("payment"))


def story_of(record: Record) -> events.Story:
    """Of somebody's, and with a view of its payment or none. Raises Poison for what is no event."""
    story = events.read(record)
    merchant, payment = story.content.get("merchant"), story.content.get("payment")
    if not (isinstance(merchant, str) and _is_a_view_of(story.payment_id, payment)):
        raise Poison("an event of another shape: no merchant, or no payment of its own", Code.UNDECODABLE)
    return story


def _is_a_view_of(payment_id: str, payment: object) -> bool:
    """As far as the cache asks; what the store finds missing in it, the store refuses."""
    if not isinstance(payment, dict):
        return payment is None
    return payment.get("id") == payment_id and isinstance(payment.get("sequence"), int)
