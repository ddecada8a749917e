"""A Stripe of our own on loopback: its HTTP, its objects, its idempotency, its webhooks, and a ledger that never forgets.

Nothing of the service may be imported here: the simulator knows Stripe's published behaviour only, so that it can
disagree with the service.

    door        one request: authenticate, plan faults, replay or execute, journal, answer
    routes      which endpoint is which function
    intents, charging, captures, refunds, disputes, customers, payment_methods, transactions, listing
                what the endpoints do, on immutable records;  chargebacks: what the customer's bank does
    change      one request's effects, collected; committed as one line of the journal, then applied to the books
    books       what is known now;  journal: the file it is rebuilt from;  render: records as Stripe's JSON
    webhooks    the queue to the endpoint;  agenda: what happens later;  clock: the simulator's own time
    limits      token buckets per account and endpoint
    control     /_sim/…: ledger, faults, limits, disputes, clock, authentication, webhook settings (GET /_sim/ lists them)
"""
