"""Deterministic simulation: all of the service in one process and in virtual time, told by a seed and broken at any await.

What runs is the code itself: composition roots, delivery, adapter and door. What is outside of it stands in here: Kafka's
brokers, PostgreSQL, Redis, the clock, the network to the Stripe simulator. Models: FoundationDB's simulation, TigerBeetle's VOPR.
"""
