"""What an operator asks of the running system from the command line: topics, settings, one payment, dead letters.

One file or folder per subject; each prints a table for people, or JSON for scripts. What changes a payment is a command on the
log.
"""

from models.errors import Refused as Refused
