"""The local mail server as a part of the stack. What it does with mails is `sandbox.mailbox`'s."""

import sys
from pathlib import Path

from sandbox import checks
from sandbox.ports import HOST
from sandbox.processes import Program
from sandbox.server import Server

CHECKOUT = Path(__file__).resolve().parent.parent


class Smtp(Server):
    """Takes every mail, for anybody, and delivers none: they lie in a Maildir, which survives a restart."""

    name = "smtp"

    def __init__(self, folder: Path, port: int, mailbox_port: int, log: Path | None = None) -> None:
        super().__init__(folder, port, log)
        self._mailbox_port = mailbox_port

    @property
    def mailbox(self) -> str:
        """Where what came in is read, as a page and as JSON."""
        return f"http://{HOST}:{self._mailbox_port}"

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def program(self) -> Program:
        options = (
            "--port",
            str(self.port),
            "--mailbox-port",
            str(self._mailbox_port),
            "--folder",
            str(self.folder),
        )
        return Program(
            self.name, (sys.executable, "-m", "sandbox.mailbox", *options), self.log, folder=CHECKOUT
        )

    def is_ready(self) -> bool:
        return checks.listens(self.port) and checks.listens(self._mailbox_port)
