"""The processes that act: each folder is one process and one consumer group. They know `models` only.

What they need of Kafka, PostgreSQL, Redis and Stripe comes in through ports; each `__main__.py` plugs the pipes in.
"""
