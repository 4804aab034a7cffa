"""The cluster's certificates: three authorities (cluster, etcd, front proxy) and one key pair per program.

Made once and kept; a leaf is made again when it nears its end or when the addresses it must name have changed.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from localkube.layout import Layout, NodeSettings, Settings

AUTHORITY_LIFE = datetime.timedelta(days=3650)
LEAF_LIFE = datetime.timedelta(days=730)
RENEW_BEFORE = datetime.timedelta(days=60)


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """A certificate to be had: who it names, who signs it."""

    file: str
    authority: str
    name: str
    group: str = ""
    hosts: Sequence[str] = ()


def leaves(settings: Settings) -> list[Leaf]:
    """Every certificate of the control plane."""
    api_hosts = [
        "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
        "localhost", "127.0.0.1", str(settings.gateway), str(settings.service_network[1]),
    ]  # fmt: skip
    return [
        Leaf(file="etcd", authority="etcd-ca", name="etcd", hosts=[settings.loopback]),
        Leaf(file="etcd-client", authority="etcd-ca", name="kube-apiserver"),
        Leaf(file="apiserver", authority="ca", name="kube-apiserver", hosts=api_hosts),
        Leaf(file="apiserver-kubelet", authority="ca", name="kube-apiserver-kubelet-client", group="system:masters"),
        Leaf(file="front-proxy", authority="front-proxy-ca", name="front-proxy-client"),
        Leaf(file="admin", authority="ca", name="kubernetes-admin", group="system:masters"),
        Leaf(file="controller-manager", authority="ca", name="system:kube-controller-manager"),
        Leaf(file="scheduler", authority="ca", name="system:kube-scheduler"),
        Leaf(file="provisioner", authority="ca", name="localkube:provisioner"),
    ]


def node_leaves(settings: Settings, node: NodeSettings) -> list[Leaf]:
    """The certificates of one node: the kubelet's two sides, and kube-proxy."""
    hosts = [node.name, str(settings.node_address(node)), "127.0.0.1", "localhost"]
    return [
        Leaf(file=f"{node.name}-kubelet", authority="ca", name=f"system:node:{node.name}", group="system:nodes"),
        Leaf(file=f"{node.name}-kubelet-serving", authority="ca", name=f"system:node:{node.name}", hosts=hosts),
        Leaf(file=f"{node.name}-proxy", authority="ca", name="system:kube-proxy"),
    ]


def ensure(layout: Layout, wanted: Sequence[Leaf]) -> None:
    """Make what is missing, outdated or names other hosts than wanted."""
    layout.pki.mkdir(parents=True, exist_ok=True, mode=0o700)
    for authority in ("ca", "etcd-ca", "front-proxy-ca"):
        if not (layout.pki / f"{authority}.crt").exists():
            _make_authority(layout.pki, authority)
    if not (layout.pki / "service-accounts.key").exists():
        key = ec.generate_private_key(ec.SECP256R1())
        _write_key(layout.pki / "service-accounts.key", key)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (layout.pki / "service-accounts.pub").write_bytes(public)
    for leaf in wanted:
        if not _still_good(layout.pki / f"{leaf.file}.crt", leaf):
            _make_leaf(layout.pki, leaf)


def _still_good(path: Path, leaf: Leaf) -> bool:
    if not path.exists():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    if certificate.not_valid_after_utc - RENEW_BEFORE < datetime.datetime.now(datetime.UTC):
        return False
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return not leaf.hosts
    return list(names) == _alternative_names(leaf.hosts)


def _make_authority(pki: Path, name: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"localkube-{name}")])
    certificate = (
        _builder(subject, subject, key.public_key(), AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_key(pki / f"{name}.key", key)
    (pki / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _make_leaf(pki: Path, leaf: Leaf) -> None:
    authority = x509.load_pem_x509_certificate((pki / f"{leaf.authority}.crt").read_bytes())
    authority_key = serialization.load_pem_private_key((pki / f"{leaf.authority}.key").read_bytes(), password=None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)  # noqa: S101  made by _make_authority
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, leaf.name)]
    if leaf.group:
        subject.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, leaf.group))
    both = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    builder = (
        _builder(x509.Name(subject), authority.subject, key.public_key(), LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    if leaf.hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(_alternative_names(leaf.hosts)), critical=False)
    certificate = builder.sign(authority_key, hashes.SHA256())
    _write_key(pki / f"{leaf.file}.key", key)
    (pki / f"{leaf.file}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: datetime.timedelta
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + life)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=not signs_certificates,
        data_encipherment=False, key_agreement=False, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _alternative_names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.touch(mode=0o600)
    path.write_bytes(text)
