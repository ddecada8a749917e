"""What an operator asks of the running system from the command line: topics, settings, one payment, dead letters.

One file per subject; each prints a table for people, or JSON for scripts. Nothing here changes a payment.
"""
