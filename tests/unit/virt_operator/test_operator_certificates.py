"""Certificates: when they are made anew, what they are for, and that the rest is left alone."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from kubevirt.api import codec
from kubevirt.api.objects import Secret
from kubevirt.virt_operator import certificates
from kubevirt.virt_operator.certificates import KeyPair, Lifetime, Subject, new_authority, new_certificate
from kubevirt.virt_operator.secrets import AUTHORITY, BUNDLE_KEY, Trust, plan, subjects
from kubevirt.virt_operator.settings import Installation

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = Lifetime.of(timedelta(hours=24))
WEEK = Lifetime.of(timedelta(hours=168))
SUBJECT = Subject(common_name="virt-api.kubevirt.pod.cluster.local", names=("virt-api", "virt-api.kubevirt.svc"))
CA = new_authority(NOW, WEEK)
LEAF = new_certificate(CA, SUBJECT, NOW, DAY)
INSTALLATION = Installation(authority_lifetime=WEEK, server_lifetime=DAY)


def test_a_certificate_serves_and_connects_under_its_names_within_its_authoritys_time() -> None:
    leaf, ca = LEAF.parsed(), CA.parsed()
    leaf.verify_directly_issued_by(ca)
    assert leaf.subject.rfc4514_string() == "CN=virt-api.kubevirt.pod.cluster.local"
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["virt-api", "virt-api.kubevirt.svc"]
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert leaf.not_valid_before_utc == ca.not_valid_before_utc
    assert leaf.not_valid_after_utc == NOW + 24 * HOUR
    assert ca.subject.rfc4514_string() == f"CN=kubevirt.io@{int(NOW.timestamp())}"


def test_a_certificate_never_outlives_its_authority() -> None:
    ca = new_authority(NOW, Lifetime.of(HOUR))
    assert new_certificate(ca, SUBJECT, NOW, DAY).parsed().not_valid_after_utc == NOW + HOUR


@pytest.mark.parametrize(("held", "now", "why"), [
    pytest.param(None, NOW, "there is none", id="absent"),
    pytest.param(LEAF, NOW, "", id="fresh"),
    pytest.param(LEAF, NOW + timedelta(hours=19), "", id="with more than a fifth of its time left"),
    pytest.param(LEAF, NOW + timedelta(hours=20), "it ends soon", id="in its last fifth"),
    pytest.param(KeyPair(certificate=b"x", key=LEAF.key), NOW, "it cannot be read", id="damaged certificate"),
    pytest.param(KeyPair(certificate=LEAF.certificate, key=b""), NOW, "it cannot be read", id="damaged key"),
    pytest.param(KeyPair(certificate=LEAF.certificate, key=CA.key), NOW,
                 "certificate and key do not belong together", id="another's key"),
    pytest.param(new_certificate(new_authority(NOW, WEEK), SUBJECT, NOW, DAY), NOW,
                 "it was signed by another authority", id="another authority of the same name"),
    pytest.param(new_certificate(CA, Subject(common_name="x"), NOW, DAY), NOW, "it is for other names",
                 id="another subject"),
    pytest.param(new_certificate(CA, Subject(common_name=SUBJECT.common_name), NOW, DAY), NOW,
                 "it is for other names", id="fewer names"),
])
def test_renewal(held: KeyPair | None, now: datetime, why: str) -> None:
    assert certificates.why_renew(held, SUBJECT, CA, now, DAY) == why


def test_the_bundle_keeps_earlier_authorities_until_they_end() -> None:
    ended, earlier = new_authority(NOW - timedelta(days=8), WEEK), new_authority(NOW - timedelta(days=6), WEEK)
    held = earlier.certificate + ended.certificate + CA.certificate
    bundle = certificates.bundle(CA, held, NOW)
    assert [c.subject for c in certificates.authorities_in(bundle)] == [CA.parsed().subject, earlier.parsed().subject]
    assert certificates.bundle(CA, bundle, NOW) == bundle
    assert certificates.bundle(CA, b"damaged", NOW) == CA.certificate


def stored(trust: Trust) -> tuple[dict[str, Secret], bytes]:
    secrets = {s.metadata.name: s for s in (codec.convert(o, Secret) for o in trust.objects if o["kind"] == "Secret")}
    return secrets, trust.bundle


def test_a_first_plan_makes_everything_and_a_second_nothing() -> None:
    first = plan(INSTALLATION, {}, b"", NOW)
    assert set(first.renewed) == {AUTHORITY, *subjects("kubevirt")}
    assert [o["kind"] for o in first.objects] == ["Secret", "ConfigMap", *["Secret"] * len(subjects("kubevirt"))]
    second = plan(INSTALLATION, *stored(first), NOW + HOUR)
    assert second.objects == ()
    assert second.bundle == first.bundle


def test_certificates_are_renewed_alone_and_a_new_authority_renews_all_and_keeps_the_old_in_the_bundle() -> None:
    secrets, bundle = stored(plan(INSTALLATION, {}, b"", NOW))
    a_day_later = plan(INSTALLATION, secrets, bundle, NOW + timedelta(hours=23))
    assert set(a_day_later.renewed) == set(subjects("kubevirt"))
    assert a_day_later.bundle == bundle
    a_week_later = plan(INSTALLATION, secrets, bundle, NOW + timedelta(hours=150))
    assert a_week_later.renewed[AUTHORITY] == "it ends soon"
    assert len(certificates.authorities_in(a_week_later.bundle)) == 2


def test_an_installation_that_nobody_runs_again_works_for_most_of_a_year() -> None:
    secrets, bundle = stored(plan(Installation(), {}, b"", NOW))
    assert plan(Installation(), secrets, bundle, NOW + timedelta(days=290)).objects == ()
    assert set(plan(Installation(), secrets, bundle, NOW + timedelta(days=300)).renewed) == set(subjects("kubevirt"))


def test_another_duration_or_a_damaged_secret_renews() -> None:
    secrets, bundle = stored(plan(INSTALLATION, {}, b"", NOW))
    name = next(iter(subjects("kubevirt")))
    secrets[name].data["tls.crt"] = "%"
    shorter = Installation(authority_lifetime=WEEK, server_lifetime=Lifetime.of(timedelta(hours=12)))
    assert set(plan(INSTALLATION, secrets, bundle, NOW).renewed) == {name}
    assert set(plan(shorter, secrets, bundle, NOW).renewed) == set(subjects("kubevirt"))


def test_secrets_hold_what_kubernetes_expects_of_them() -> None:
    trust = plan(INSTALLATION, {}, b"", NOW)
    for obj in trust.objects:
        if obj["kind"] == "Secret":
            secret = codec.convert(obj, Secret)
            assert secret.type == "kubernetes.io/tls"
            assert base64.b64decode(secret.data["tls.key"]).startswith(b"-----BEGIN EC PRIVATE KEY-----")
        else:
            assert obj["data"] == {BUNDLE_KEY: trust.bundle.decode()}
