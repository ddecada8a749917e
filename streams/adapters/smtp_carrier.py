"""Mails over SMTP: one message per mail, its Message-ID the mail's own. Whether one is tried again is decided elsewhere.

Source: RFC 5321 (replies), RFC 3207 (STARTTLS), RFC 3834 (Auto-Submitted).
"""

import asyncio
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused

from models.mailing import Away, Bounced, Carried, Leased, PutOff, Sent
from streams.background import stop

COMMAND_WITHIN_S = 30.0  # of one command's answer; RFC 5321 would have clients wait for minutes, and holds for queues with weeks
TRY_WITHIN_S = 75.0  # of a whole try, connecting included: shorter than a lease
GOODBYE_WITHIN_S = 1.0
ENCODED = "=?"
"""How an encoded word begins. The library reads them in what it is given, and line ends and commas out of them: of others' words
none is one. Source: RFC 2047, section 2.
"""
PORTS = {"smtp": 25, "smtps": 465}
OF_US = frozenset({421, 530, 534, 535, 538})
"""It shuts down, or wants another password: said of the connection, and no mail may bounce for it; nor for a sender that is
refused. Source: RFC 5321, section 4.2.3; RFC 4954, section 6.
"""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """`url`: smtp://user:password@host:port, or smtps:// for TLS from the first byte. `sender`: as in a From header."""

    url: str
    sender: str


class SmtpCarrier:
    """Fulfils MailCarrier. Keeps connections for the next mail; a dead one is noticed by its error, and made anew."""

    def __init__(self, server: SmtpServer | None) -> None:
        """None: there is none, and whatever still waits in the outbox goes on waiting."""
        self._server = server
        self._idle: list[aiosmtplib.SMTP] = []

    @property
    def has_server(self) -> bool:
        return self._server is not None

    async def carry(self, leased: Leased) -> Carried:
        if self._server is None:
            return Away("no server is set: MILLRACE_SMTP_URL")
        trying = asyncio.create_task(self._carry(leased, self._server))
        try:
            await asyncio.wait({trying}, timeout=TRY_WITHIN_S)
        finally:
            await stop(trying)  # `asyncio.wait_for`, by which aiosmtplib waits, swallows cancellations
        return Away(f"no answer within {TRY_WITHIN_S:.0f} s") if trying.cancelled() else trying.result()

    async def close(self) -> None:
        while self._idle:
            await _leave(self._idle.pop())

    async def _carry(self, leased: Leased, server: SmtpServer) -> Carried:
        try:
            message = message_of(leased, server.sender)
        # whatever the library makes of it: it would make the same of it the next time
        except Exception as wrong:
            return Bounced(f"cannot be written: {type(wrong).__name__}")
        try:
            client = await self._connected(server)
        except (SMTPException, OSError) as failed:
            return Away(_said(failed))
        try:
            # the one it is for: what is read out of a header may be somebody else
            _, answer = await client.send_message(message, recipients=[leased.mail.recipient])
        except BaseException as failed:
            client.close()
            if isinstance(failed, SMTPException | OSError):
                return _refused(failed)
            raise
        self._idle.append(client)
        return Sent(answer)

    async def _connected(self, server: SmtpServer) -> aiosmtplib.SMTP:
        """One that answers: a server ends what was idle for long, and that is no failure of a mail's."""
        while self._idle:
            client = self._idle.pop()
            try:
                await client.noop()
                return client
            except BaseException as failed:
                client.close()
                if not isinstance(failed, SMTPException | OSError):
                    raise
        client = _client(server.url)
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        return client


def message_of(leased: Leased, sender: str) -> EmailMessage:
    """Raises ValueError for a header with a line end in it: none can be smuggled in; whatever else the library raises, too."""
    mail, message = leased.mail, EmailMessage(policy=SMTP)
    if ENCODED in mail.recipient:
        raise ValueError("the recipient is none as it stands")
    message["From"] = sender
    message["To"] = mail.recipient
    message["Subject"] = mail.subject.replace(ENCODED, "= ?")
    message["Date"] = format_datetime(leased.created_at)
    message["Message-ID"] = f"<{mail.id}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # no holiday notes in return
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    message.as_bytes()  # raises now what it would raise when it is sent
    return message


def _client(url: str) -> aiosmtplib.SMTP:
    """STARTTLS is taken where it is offered, and demanded where a password would else cross a network in the clear."""
    parts = urlsplit(url)
    assert parts.hostname is not None, "the setting was checked"
    direct, user = parts.scheme == "smtps", parts.username
    return aiosmtplib.SMTP(
        hostname=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        username=None if user is None else unquote(user),
        password=None if user is None else unquote(parts.password or ""),
        timeout=COMMAND_WITHIN_S,
        use_tls=direct,
        start_tls=False
        if direct
        else True
        if user is not None and not _is_loopback(parts.hostname)
        else None,
        tls_context=ssl.create_default_context(),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(failed: Exception) -> Carried:
    """By the reply's first digit. What is no reply, or is said of us rather than of the mail, is nobody's answer."""
    if isinstance(failed, SMTPRecipientsRefused) and failed.recipients:
        failed = failed.recipients[0]
    if isinstance(failed, aiosmtplib.SMTPNotSupported):
        return Bounced(_said(failed))
    if (
        not isinstance(failed, SMTPResponseException)
        or failed.code in OF_US
        or isinstance(failed, SMTPSenderRefused)
    ):
        return Away(_said(failed))
    if 500 <= failed.code < 600:
        return Bounced(_said(failed))
    return PutOff(_said(failed)) if 400 <= failed.code < 500 else Away(_said(failed))


def _said(failed: Exception) -> str:
    if isinstance(failed, SMTPResponseException):
        return f"{failed.code} {failed.message}"
    return str(failed) or type(failed).__name__


async def _leave(client: aiosmtplib.SMTP) -> None:
    try:
        async with asyncio.timeout(GOODBYE_WITHIN_S):
            await client.quit()
    except (SMTPException, OSError, TimeoutError):
        client.close()
