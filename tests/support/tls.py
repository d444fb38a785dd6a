"""A certificate authority for servers that tests start."""

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct

DAY = datetime.timedelta(days=1)


class Certificate(Struct, frozen=True):
    """The files of a server's certificate and of its private key."""

    chain: Path
    key: Path


class Authority:
    """A certificate authority, which writes the files of its certificates into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        made = self._made(self._name, self._key, days=1)
        self._authority = made.add_extension(x509.BasicConstraints(True, None), True)
        signed = self._authority.sign(self._key, hashes.SHA256())
        self.pem = signed.public_bytes(serialization.Encoding.PEM).decode()

    def trusted(self) -> ssl.SSLContext:
        """An SSL context of a client that trusts only this authority."""
        return ssl.create_default_context(cadata=self.pem)

    def server(self, *names: x509.GeneralName, days: int = 1) -> ssl.SSLContext:
        """An SSL context of a server with a certificate for these names, valid for `days`."""
        made = self.certificate(*names, days=days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.chain, made.key)
        return context

    def certificate(self, *names: x509.GeneralName, days: int = 1) -> Certificate:
        """A certificate for these names, valid for `days`; the next one overwrites its files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        made = self._made(subject, key, days)
        made = made.add_extension(x509.SubjectAlternativeName(names), False)
        files = Certificate(self._folder / "server.pem", self._folder / "server.key")
        signed = made.sign(self._key, hashes.SHA256())
        files.chain.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        files.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files

    def _made(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 10 * DAY)
            .not_valid_after(now + days * DAY)
        )
