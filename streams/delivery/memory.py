"""What a process has when it begins to serve is here to stay, and is looked at no more for what may be freed."""

import gc


def freeze() -> None:
    """A full collection pauses 50 to 140 ms over all that is loaded, and 240 ms over a table of millions.

    What is rubbish by now must go before: readers and producers are in cycles with all that they fetched, and what is frozen
    is never looked at again. Without this each takeover of a writer cost some MB for good.

    The second one is over nothing, and says so: Python puts the next full one off until a quarter as many have come as the last
    one left, and all that is frozen would count. What a failed statement left in cycles lay there for hours.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.collect()
