"""The service as it is deployed: encrypted, known by name, watched. A package, so that its system is stopped after it."""
