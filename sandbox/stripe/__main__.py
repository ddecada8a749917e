"""Starts the simulator; `--help` lists its options."""

from sandbox.stripe_simulator.__main__ import main

if __name__ == "__main__":
    main("python -m sandbox.stripe")
