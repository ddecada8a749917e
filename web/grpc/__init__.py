"""The same operations over gRPC: `proto/` is the contract, everything else translates. No decision here, and no HTTP."""
