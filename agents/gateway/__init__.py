"""The gateway: an event that asks for something becomes a call to the provider, and its outcome a command.

It keeps no state: killed, doubled or a zombie, it makes the same call under the same key and reports the same outcome.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from models.commands import Origin, RecordOutcome
from models.ids import internal_command_id
from models.ports import CustomerScreen, PaymentProvider
from models.provider import Operation, PspCall, Unknown

T = TypeVar("T")

log = logging.getLogger("millrace.gateway")


async def carry_out(
    call: PspCall,
    asked_by: str,
    provider: PaymentProvider,
    screen: CustomerScreen,
    crashpoint: Callable[[str], None],
) -> RecordOutcome:
    """`asked_by`: the id of the event that asks; its outcome has one id, however often it is carried out."""
    crashpoint("gateway.before_psp")
    is_screen = call.operation is Operation.SCREEN
    outcome = await (screen.look(call) if is_screen else provider.perform(call))
    crashpoint("gateway.after_psp")
    command_id = internal_command_id(call.payment_id, f"outcome\n{asked_by}")
    return RecordOutcome(
        Origin(command_id, call.payment_id, call.merchant, call.requested_at), call.key, outcome
    )


def written(command: RecordOutcome, write: Callable[[RecordOutcome], T]) -> T:
    """`command` as `write` has it. What it cannot write down (half a character, a number of a hundred digits: JSON holds
    both, and the provider repeats its answers) is not known to us; the process must not end for it, again and again.
    """
    try:
        return write(command)
    except (TypeError, ValueError) as failed:
        log.critical(
            "%s: the provider's answer cannot be written down: %s", command.call_key, type(failed).__name__
        )
        return write(replace(command, outcome=Unknown("the provider's answer cannot be written down")))
