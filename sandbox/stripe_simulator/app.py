"""The HTTP server: Stripe's paths to the door, `/_sim/` to the control, and a clean start and stop."""

from __future__ import annotations

from aiohttp import web

from .control import Control
from .door import Door
from .simulator import Simulator

KEEPALIVE_S = 75.0
SHUTDOWN_S = 2.0  # for answers still on their way
BACKLOG = 1_024  # connections waiting to be accepted


class Server:
    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.door = Door(simulator)
        self.control = Control(simulator)
        self.runner = web.ServerRunner(
            web.Server(self._answer, access_log=None, keepalive_timeout=KEEPALIVE_S),
            shutdown_timeout=SHUTDOWN_S,
        )

    async def start(self, host: str, port: int) -> int:
        """Serves; the port, which was chosen by the system where 0 was given."""
        await self.runner.setup()
        await web.TCPSite(self.runner, host, port, backlog=BACKLOG, reuse_address=True).start()
        chosen: int = self.runner.addresses[0][1]
        self.simulator.renderer.url = f"http://{host}:{chosen}"
        self.simulator.wake()
        self.simulator.webhooks.pump()
        return chosen

    async def stop(self) -> None:
        await self.runner.cleanup()
        await self.simulator.close()

    async def _answer(self, http: web.BaseRequest) -> web.StreamResponse:
        if http.raw_path.startswith("/_sim"):
            return await self.control.answer(http)
        return await self.door.answer(http)
