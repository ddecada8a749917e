"""How every Kafka client of Millrace reaches the brokers: address, encryption, credentials. No client is made here."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faust
from aiokafka.errors import KafkaConnectionError, KafkaError
from faust.types.auth import SASLMechanism

from models.errors import Unavailable
from streams.delivery import engine
from streams.settings import Settings, SettingsRefused


def credentials(settings: Settings) -> Any:
    """In Faust's words; None for plain text."""
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        return None
    tls = _tls(settings) if protocol.endswith("SSL") else None
    if protocol == "SSL":
        return faust.SSLCredentials(context=tls)
    if settings.kafka_username is None or settings.kafka_password is None:
        raise SettingsRefused("MILLRACE_KAFKA_USERNAME and MILLRACE_KAFKA_PASSWORD: SASL needs both")
    return faust.SASLCredentials(
        username=settings.kafka_username,
        password=settings.kafka_password.get_secret_value(),
        mechanism=SASLMechanism(settings.kafka_sasl_mechanism),
        ssl_context=tls,
    )


def _tls(settings: Settings) -> ssl.SSLContext:
    """Who the broker is, is checked, and the name it is asked by. Raises SettingsRefused, which names the file's setting."""
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca_file)
    except (OSError, ssl.SSLError) as failed:
        raise SettingsRefused(
            f"MILLRACE_KAFKA_CA_FILE: {settings.kafka_ca_file}: {failed.strerror}"
        ) from None
    if settings.kafka_cert_file is not None:
        certificate, key = settings.kafka_cert_file, settings.kafka_key_file
        try:
            context.load_cert_chain(certificate, key, _no_password)
        except (OSError, ssl.SSLError, ValueError) as failed:
            said = f"{certificate} and {key} do not fit together, or cannot be read: {failed}"
            raise SettingsRefused(f"MILLRACE_KAFKA_CERT_FILE, MILLRACE_KAFKA_KEY_FILE: {said}") from None
    return context


def _no_password() -> str:
    """OpenSSL would ask for it on the terminal."""
    raise ValueError("the key is encrypted")


def client_settings(settings: Settings) -> dict[str, Any]:
    """Keyword arguments that every aiokafka client takes."""
    return engine.client_settings(settings.kafka_bootstrap, credentials(settings))


@contextmanager
def reaching(settings: Settings) -> Iterator[None]:
    """What a client raises becomes Unavailable, which says in a sentence what is wrong with Kafka, and where that is."""
    try:
        yield
    except (KafkaError, OSError) as failed:
        where = f"Kafka at {settings.kafka_bootstrap}"
        if not isinstance(failed, KafkaConnectionError | OSError):
            raise Unavailable(f"{where} did not do as asked: {failed}") from failed
        credentials = (
            "" if settings.kafka_security_protocol == "PLAINTEXT" else ", or does not take our credentials"
        )
        raise Unavailable(f"{where} cannot be reached{credentials}") from failed
