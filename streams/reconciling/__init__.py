"""Reconciliation: what the event log tells of each payment is held against whoever else keeps it, field by field.

    events     the log, `payments.events.v1`: the view in a payment's last event, and whether its numbers are whole
    table      the writer's row, from its changelog
    postgres   the projection's rows: payment, refunds, events
    stripe     the intent with its charge, refunds and disputes

The log is what the others follow, so each of them is compared with it. It goes partition by partition: of one partition it
keeps about 3 kB per payment (view, row, a digest of each event), and of Stripe's books about 0.5 kB per intent throughout.

Payments move meanwhile. What differs is looked at again, several times with a pause between, with the log read on each time;
only what differs to the end is a difference. What is in flight or in doubt may differ from Stripe: it is listed as open.

    stories.py      one payment as the log tells it
    comparing.py    a story beside the table's row and PostgreSQL's rows
    at_stripe.py    a story beside Stripe's books
    held.py         what differed or is open, until it counts
    reconciler.py   the passes and the rounds
"""
