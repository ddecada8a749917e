"""A real broker as a deployment has one: only encrypted, and only for those whom it knows, by password or by certificate."""

from pathlib import Path

from sandbox.kafka import Kafka
from sandbox.ports import HOST, Ports
from tests.certificates import Authority, Files

USER, SCRAM_PASSWORD, PLAIN_PASSWORD = "millrace", "scram0canary0password", "plain0canary0password"
_JAAS = "org.apache.kafka.common.security"


class SecuredKafka(Kafka):
    """`for_passwords`: SASL over TLS, SCRAM or PLAIN; `for_certificates`: TLS both ways. A third listener is the broker's own."""

    first_records = ("--add-scram", f"SCRAM-SHA-512=[name={USER},password={SCRAM_PASSWORD}]")

    def __init__(self, folder: Path, ports: Ports, authority: Authority, broker: Files) -> None:
        super().__init__(folder, ports.take(), ports.take())
        self._authority, self._broker = authority, broker
        self._password_port, self._certificate_port = ports.take(), ports.take()

    @property
    def for_passwords(self) -> str:
        return f"{HOST}:{self._password_port}"

    @property
    def for_certificates(self) -> str:
        return f"{HOST}:{self._certificate_port}"

    def _properties(self) -> dict[str, str]:
        plain = super()._properties()
        ours = f"PASSWORD://{self.for_passwords},CERTIFICATE://{self.for_certificates}"
        return plain | {
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PASSWORD:SASL_SSL,CERTIFICATE:SSL",
            "listeners": f"{plain['listeners']},{ours}",
            "advertised.listeners": f"{plain['advertised.listeners']},{ours}",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
            "listener.name.password.scram-sha-512.sasl.jaas.config": f"{_JAAS}.scram.ScramLoginModule required;",
            "listener.name.password.plain.sasl.jaas.config": (
                f'{_JAAS}.plain.PlainLoginModule required user_{USER}="{PLAIN_PASSWORD}";'
            ),
            "listener.name.certificate.ssl.client.auth": "required",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._broker.both),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self._authority.file),
        }
