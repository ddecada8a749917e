"""The mail server of `make run`: what it takes lies there to be read, harmless and for good; what it does not take it says so."""

import json
import smtplib
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from sandbox.ports import HOST, Ports
from sandbox.smtp import Smtp

TO = "ann@mail.example"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Smtp]:
    ports = Ports()
    made = Smtp(tmp_path / "mails", ports.take(), ports.take())
    made.start()
    yield made
    made.stop()
    ports.close()


def send(server: Smtp, subject: str, to: str = TO) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@mail.example", to, subject
    message.set_content("plain")
    message.add_alternative("<script>alert(1)</script>", subtype="html")
    with smtplib.SMTP(HOST, server.port, timeout=10) as client:
        client.send_message(message)


def read(server: Smtp, path: str) -> tuple[str, str]:
    """The body, and what the browser may do with it."""
    with urllib.request.urlopen(server.mailbox + path, timeout=10) as answer:
        return answer.read().decode(), answer.headers.get("Content-Security-Policy", "")


def test_what_came_in_is_shown_newest_first_and_outlives_the_server(server: Smtp) -> None:
    for subject in ("first", "<b>second</b>"):
        send(server, subject)
    server.kill()
    server.start()
    newest, oldest = json.loads(read(server, "/messages")[0])
    assert (newest["subject"], oldest["subject"], newest["to"]) == ("<b>second</b>", "first", TO)
    assert "&lt;b&gt;second&lt;/b&gt;" in read(server, "/")[0]
    whole = json.loads(read(server, f"/messages/{newest['id']}")[0])
    assert (whole["text"].strip(), whole["html"].strip()) == ("plain", "<script>alert(1)</script>")
    html, policy = read(server, f"/messages/{newest['id']}/html")
    assert "<script>" in html
    assert policy.startswith("sandbox; default-src 'none'"), "which lets no script run"


@pytest.mark.parametrize(("to", "code"), [("bounce@mail.example", 550), ("later@mail.example", 451)])
def test_what_becomes_of_mails_that_are_not_taken_can_be_tried(server: Smtp, to: str, code: int) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(server, "x", to)
    assert refused.value.recipients[to][0] == code
    assert read(server, "/messages")[0] == "[]"


@pytest.mark.parametrize("id", ["nothing", "..%2F..%2Fmailbox.py"])
def test_nothing_but_mails_is_read(server: Smtp, id: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        read(server, f"/messages/{id}")
