"""A mail server in the test's own loop (aiosmtpd's), told what to say; it remembers what it took."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.ports import HOST

USER, PASSWORD = "millrace", "sesame/with@signs"


class SmtpServer:
    """`says`: an answer per command (`MAIL`, `RCPT`, `DATA`) in place of yes. `breaks_off`: so many messages are taken without a
    word, and the connection is closed.
    """

    def __init__(self) -> None:
        self.says: dict[str, str] = {}
        self.breaks_off = 0
        self.taken: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.connections = 0
        self.asked_for_password = False
        self.port = 0
        self.pace_s = 0.0

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.says.get("MAIL", "250 OK")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self.says.get(f"RCPT {address}") or self.says.get("RCPT"):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self.pace_s)
        if refusal := self.says.get("DATA"):
            return refusal
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        self.recipients.append(list(envelope.rcpt_tos))
        if self.breaks_off:
            self.breaks_off -= 1
            _abort(server)
        return "250 taken"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.asked_for_password = True
        is_known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_known, handled=is_known)  # not handled: the library says the no

    @asynccontextmanager
    async def serving(
        self,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        wants_user: bool = False,
    ) -> AsyncIterator["SmtpServer"]:
        """On the port of before, if there was one."""
        secure = starttls is not None
        made: list[SMTP] = []

        def session() -> SMTP:
            made.append(
                SMTP(
                    self,
                    hostname="mail.example",
                    tls_context=starttls,
                    require_starttls=secure,
                    authenticator=self.authenticate,
                    auth_required=wants_user,
                    auth_require_tls=False,
                )
            )
            return made[-1]

        server = await asyncio.get_running_loop().create_server(session, HOST, self.port, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for each in made:
                _abort(each)


def _abort(session: SMTP) -> None:
    if isinstance(session.transport, asyncio.Transport):
        session.transport.abort()
