"""Each safeguard, switched off on demand: what a test must notice, or it is no test.

`plant(name)` does it to this process, as the subjects of the delivery's tests want it; `environment(*names)` to processes of
the service, which are started with it and know nothing of it. The bugs are in one file for each part of the service.
"""

from tests.faults.planted import delivery, domain, door, provider, storage, telling
from tests.faults.planted.arming import PLANTED, environment
from tests.faults.planted.delivery import WENT_ON
from tests.faults.planted.registry import BUGS, Bug, plant

CAMPAIGN = {name: bug for name, bug in BUGS.items() if bug.faults}
"""Those that the campaign over the whole system must notice, by their names."""

__all__ = [
    "BUGS",
    "CAMPAIGN",
    "PLANTED",
    "WENT_ON",
    "Bug",
    "delivery",
    "domain",
    "door",
    "environment",
    "plant",
    "provider",
    "storage",
    "telling",
]
