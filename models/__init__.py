"""The rules of payments: money, commands, events and the transaction aggregate that turns one into the other.

Pure: the standard library and itself, no framework, no clock, no randomness, no I/O. Read `transaction.py` first.
"""
