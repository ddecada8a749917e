"""One file per step, named by its number, in the order in which they run."""
