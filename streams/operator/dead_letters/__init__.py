"""`millrace dead-letters`: what could not be handled, shown, and settled by a person; what was done is on a topic of its own.

A letter is named `partition/offset`, where it lies. Nothing is ever taken out of the topic: it passes away by itself.
"""
