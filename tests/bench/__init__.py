"""Benchmarks: `make bench`. Ratios taken in one run, against a loop that does the same work on bare aiokafka."""
