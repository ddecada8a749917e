"""The door, open, as for the other languages."""

from tests.web.conftest import door

__all__ = ["door"]
