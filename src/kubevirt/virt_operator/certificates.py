"""The installation's own certificate authority and the certificates of its programs: made, judged, renewed.

Pure but for randomness and the time given: key pairs in, key pairs out; storing them is `secrets`'. ECDSA P-256;
renewed when a fifth of their time is left, unless the KubeVirt object says otherwise.

Renewal happens when `virt-operator install` runs: nothing of the installation runs all the time for it. So what is made
lives long: an authority five years, a certificate one. (KubeVirt's own defaults, a week and a day, go with an operator
that is always there; `certificateRotateStrategy` of the KubeVirt object sets other times.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kubevirt.kit.errors import Problem

CA_DURATION = timedelta(days=5 * 365)
SERVER_DURATION = timedelta(days=365)
RENEW_AT_FRACTION = 0.2
BUNDLE_LIMIT = 50


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """How long certificates are made for, and how long before their end they are renewed."""

    duration: timedelta
    renew_before: timedelta

    @classmethod
    def of(cls, duration: timedelta) -> Lifetime:
        return cls(duration=duration, renew_before=duration * RENEW_AT_FRACTION)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whom a certificate is for. `names` are the DNS names it may serve under."""

    common_name: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """A certificate and its private key, as PEM."""

    certificate: bytes
    key: bytes

    def parsed(self) -> x509.Certificate:
        """Raises ValueError when it is no certificate."""
        return x509.load_pem_x509_certificate(self.certificate)


def new_authority(now: datetime, lifetime: Lifetime) -> KeyPair:
    """A self-signed authority, told apart from earlier ones by the time in its name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"kubevirt.io@{int(now.timestamp())}")
    builder = _builder(name, name, key.public_key(), now, now + lifetime.duration)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return _pair(builder.sign(key, hashes.SHA256()), key)


def new_certificate(authority: KeyPair, subject: Subject, now: datetime, lifetime: Lifetime) -> KeyPair:
    """A certificate for servers and clients, valid from its authority's beginning, never longer than the authority."""
    issuer = authority.parsed()
    issuer_key = _private_key(authority)
    key = ec.generate_private_key(ec.SECP256R1())
    ends = min(now + lifetime.duration, issuer.not_valid_after_utc)
    builder = _builder(_name(subject.common_name), issuer.subject, key.public_key(), issuer.not_valid_before_utc, ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = builder.add_extension(authority_id, critical=False)
    if subject.names:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in subject.names])
        builder = builder.add_extension(names, critical=False)
    return _pair(builder.sign(issuer_key, hashes.SHA256()), key)


def why_renew_authority(held: KeyPair | None, now: datetime, lifetime: Lifetime) -> str:
    """Why a new authority is needed; empty when the one held will do."""
    if held is None:
        return "there is none"
    return _why_unfit(held, now, lifetime)


def why_renew(held: KeyPair | None, subject: Subject, authority: KeyPair, now: datetime, lifetime: Lifetime) -> str:
    """Why a new certificate is needed; empty when the one held will do."""
    if held is None:
        return "there is none"
    unfit = _why_unfit(held, now, lifetime)
    if unfit:
        return unfit
    certificate = held.parsed()
    try:
        certificate.verify_directly_issued_by(authority.parsed())
    except (ValueError, TypeError, InvalidSignature):
        return "it was signed by another authority"
    if certificate.subject != _name(subject.common_name) or _dns_names(certificate) != set(subject.names):
        return "it is for other names"
    return ""


def bundle(current: KeyPair, earlier: bytes, now: datetime) -> bytes:
    """The authorities to be trusted: the current one first, then earlier ones that have not ended."""
    trusted = [current.parsed()]
    for certificate in authorities_in(earlier):
        if certificate.not_valid_after_utc > now and certificate not in trusted:
            trusted.append(certificate)
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in trusted[:BUNDLE_LIMIT])


def authorities_in(pem: bytes) -> Sequence[x509.Certificate]:
    """None from what is no PEM: a bundle that someone has damaged is made anew."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        return []


def _why_unfit(held: KeyPair, now: datetime, lifetime: Lifetime) -> str:
    try:
        certificate = held.parsed()
        key = serialization.load_pem_private_key(held.key, password=None)
    except (ValueError, TypeError):
        return "it cannot be read"
    if certificate.public_key() != key.public_key():
        return "certificate and key do not belong together"
    if now >= certificate.not_valid_after_utc - lifetime.renew_before:
        return "it ends soon"
    return ""


def _private_key(pair: KeyPair) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pair.key, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Problem(cause="the authority's key is not an ECDSA key", remedy="delete the secret kubevirt-ca")
    return key


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
             ) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer, subject_name=subject, public_key=key, serial_number=x509.random_serial_number(),
        not_valid_before=start, not_valid_after=end,
    )


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    # The format with its "EC PRIVATE KEY" heading is the one that the API server checks TLS secrets for in any version.
    return KeyPair(
        certificate=certificate.public_bytes(serialization.Encoding.PEM),
        key=key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                              serialization.NoEncryption()),
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _dns_names(certificate: x509.Certificate) -> set[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return set()
    return set(extension.value.get_values_for_type(x509.DNSName))


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_encipherment=not signs_certificates, key_cert_sign=signs_certificates,
        crl_sign=signs_certificates, content_commitment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )
