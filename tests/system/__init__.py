"""The service on real servers, as its users and its enemies meet it. A package, so that its system is stopped after it."""
