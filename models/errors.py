"""The exceptions of the core. A refusal is no exception: it is an event (`CommandRefused`)."""


class Unavailable(Exception):
    """Something outside cannot be reached now; nothing is known to have happened. Retried, with bounds, by the caller."""


class InvariantBroken(Exception):
    """A bug or a lie: a state that must never be was about to be. Dead-lettered and alarmed, never applied."""


class Refused(Exception):
    """What an operator asked for will not be done; the message says why, to them alone."""


class Decided(Refused):
    """The writer's no: it stays so for that command's id. Whatever else is refused may have been done under it before."""
