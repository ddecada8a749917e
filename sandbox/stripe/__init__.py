"""`python -m sandbox.stripe`: the Stripe simulator under its short name. It lives in `sandbox.stripe_simulator`."""
