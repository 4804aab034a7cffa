"""Rules for the KubeVirt object: what an installation can be told, and when it can be removed."""

from collections.abc import Sequence
from datetime import timedelta

from kubevirt.api import codec, gates
from kubevirt.api.kubevirt import KubeVirt, KubeVirtConfiguration, KubeVirtSpec
from kubevirt.api.kubevirt_install import CertConfig, KubeVirtSelfSignConfiguration, NodePlacement
from kubevirt.api.kubevirt_programs import TLSConfiguration
from kubevirt.api.validation.causes import Cause, Causes, invalid
from kubevirt.api.validation.kubernetes_fields import check_labels
from kubevirt.api.validation.scheduling import check_affinity, check_toleration
from kubevirt.kit.errors import Refused
from kubevirt.kit.times import parse_duration

DAY = timedelta(days=1)
BLOCKING = "BlockUninstallIfWorkloadsExist"
TLS12_CIPHERS = frozenset(
    f"TLS_ECDHE_{key}_WITH_{cipher}"
    for key in ("ECDSA", "RSA")
    for cipher in (
        "AES_128_GCM_SHA256",
        "AES_256_GCM_SHA384",
        "CHACHA20_POLY1305_SHA256",
        "AES_128_CBC_SHA",
        "AES_256_CBC_SHA",
    )
)
"""Cipher suites of TLS 1.2 that are neither broken nor without forward secrecy."""


def installation_obstacle(others: Sequence[KubeVirt]) -> str:
    """Why no further KubeVirt object can be made, or an empty text."""
    return "Kubevirt is already created" if others else ""


def removal_obstacle(kubevirt: KubeVirt, workloads: Sequence[tuple[str, bool]]) -> str:
    """Why an installation cannot be removed, or an empty text.

    `workloads`: kinds of machines by their names in the message (``Virtual Machines``), and whether there are any.
    """
    if kubevirt.spec.uninstall_strategy != BLOCKING or kubevirt.status.phase != "Deployed":
        return ""
    for kind, exist in workloads:
        if exist:
            return (
                f"Rejecting the uninstall request, since there are still {kind} present. Either delete all KubeVirt "
                "related workloads or change the uninstall strategy before uninstalling KubeVirt."
            )
    return ""


def validate_kubevirt(new: KubeVirt, old: KubeVirt | None = None) -> list[Cause]:
    """What is wrong with the settings of an installation; `old` are those it has had."""
    return list(_rules(new.spec, old.spec if old is not None else KubeVirtSpec()))


def _rules(new: KubeVirtSpec, old: KubeVirtSpec) -> Causes:
    given = new.configuration or KubeVirtConfiguration()
    if new.customize_components is not None:
        for index, patch in enumerate(new.customize_components.patches):
            try:
                codec.decode_json(patch.patch)
            except Refused:
                yield invalid(
                    f"spec.customizeComponents.patches[{index}]", f"patch {quoted(patch.patch)} is not valid JSON"
                )
    rotation = new.certificate_rotate_strategy
    if rotation is not None and rotation.self_signed is not None:
        yield from _certificates(rotation.self_signed)
    yield from _gates(given, old.configuration or KubeVirtConfiguration())
    if given.tls_configuration is not None:
        yield from _tls(given.tls_configuration)
    if given.additional_guest_memory_overhead_ratio is not None:
        yield from _ratio(given.additional_guest_memory_overhead_ratio)
    yield from _seccomp(given)
    for member, component in (("infra", new.infra), ("workloads", new.workloads)):
        if component is not None and component.node_placement is not None:
            yield from _placement(f"spec.{member}.nodePlacement", component.node_placement)
    if new.infra is not None and new.infra.replicas == 0:
        yield invalid("spec.infra.replicas", "infra replica count can't be 0")


def _certificates(given: KubeVirtSelfSignConfiguration) -> Causes:
    at = "spec.certificateRotationStrategy.selfSigned"
    old = (given.ca_rotate_interval, given.cert_rotate_interval, given.ca_overlap_interval)
    if any(interval is not None for interval in old) and (given.ca is not None or given.server is not None):
        yield invalid(
            at,
            "caRotateInterval, certRotateInterval and caOverlapInterval are deprecated and conflict with CertConfig "
            "defined rotation parameters",
        )
    lifetimes: dict[str, timedelta] = {}
    for member, called, config, usual in (("ca", "CA", given.ca, 7 * DAY), ("server", "Cert", given.server, DAY)):
        try:
            duration, renewal = _lifetime(config, usual)
        except Refused as e:
            yield invalid(f"{at}.{member}", e.cause)
            continue
        lifetimes[member] = duration
        if renewal > duration:
            here = f"{at}.{member}"
            yield invalid(
                here, f"{called} RenewBefore cannot exceed Duration ({here}.duration < {here}.renewBefore)"
            )
    if lifetimes.get("server", DAY) > lifetimes.get("ca", 7 * DAY):
        yield invalid(
            at, f"Certificate duration cannot exceed CA ({at}.server.duration > {at}.ca.duration)"
        )


def _lifetime(config: CertConfig | None, usual: timedelta) -> tuple[timedelta, timedelta]:
    """How long a certificate is valid, and how long before its end it is renewed."""
    given = config or CertConfig()
    duration = parse_duration(given.duration) if given.duration else usual
    return duration, parse_duration(given.renew_before) if given.renew_before else duration * 0.2


def _gates(new: KubeVirtConfiguration, old: KubeVirtConfiguration) -> Causes:
    developer = new.developer_configuration
    listed = developer.feature_gates if developer is not None else []
    disabled = developer.disabled_feature_gates if developer is not None else []
    at = "spec.configuration.developerConfiguration"
    for gate in listed:
        if gate in disabled:
            yield invalid(
                f"{at}.disabledFeatureGates",
                f'feature gate "{gate}" exists on both "FeatureGates" and "DisabledFeatureGates"',
            )

    def is_on(gate: str) -> bool:
        return gates.is_enabled(gate, enabled=listed, disabled=disabled)

    deployment = new.virt_template_deployment
    if deployment is not None and deployment.enabled and not is_on("Template"):
        yield invalid(
            "spec.configuration.virtTemplateDeployment",
            "VirtTemplateDeployment cannot be enabled without enabling the Template feature gate",
        )
    if new.role_aggregation_strategy == "Manual" and not is_on("OptOutRoleAggregation"):
        yield invalid(
            "spec.configuration.roleAggregationStrategy",
            "RoleAggregationStrategy cannot be set to Manual without enabling the OptOutRoleAggregation feature gate",
        )
    downtimes = [c.migrations.max_downtime_ms if c.migrations is not None else None for c in (new, old)]
    if downtimes[0] != downtimes[1] and not (is_on("MigrationStallDetection") or is_on("MigrationDowntimeTuning")):
        yield invalid(
            "spec.configuration.migrations.maxDowntimeMs",
            "maxDowntimeMs cannot be modified without enabling the MigrationStallDetection or "
            "MigrationDowntimeTuning feature gate",
        )


def _tls(given: TLSConfiguration) -> Causes:
    at = "spec.configuration.tlsConfiguration.ciphers"
    if given.ciphers and given.min_tls_version in (None, "", "VersionTLS13"):
        yield invalid(
            at,
            "You cannot specify ciphers when spec.configuration.tlsConfiguration.minTLSVersion is empty or "
            "VersionTLS13",
        )
    for index, cipher in enumerate(given.ciphers):
        if cipher not in TLS12_CIPHERS:
            yield invalid(f"{at}[{index}]", f"{cipher} is not a valid cipher")


def _ratio(text: str) -> Causes:
    at = "spec.configuration.additionalGuestMemoryOverheadRatio"
    try:
        ratio = float(text)
    except ValueError:
        yield invalid(at, f"ratio provided, {text}, cannot be parsed into float: {text!r} is not a number")
        return
    if not ratio >= 1.0:
        yield invalid(at, f"ratio provided, {text}, cannot be smaller than 1.0")


def _seccomp(given: KubeVirtConfiguration) -> Causes:
    seccomp = given.seccomp_configuration
    profile = seccomp.virtual_machine_instance_profile if seccomp is not None else None
    if profile is None:
        return
    at = "spec.configuration.seccompConfiguration.virtualMachineInstanceProfile.customProfile"
    custom = profile.custom_profile
    if custom is None:
        yield invalid(at, f"{at} needs to be set")
    elif custom.localhost_profile is not None and custom.runtime_default_profile:
        profiles = (f"{at}.localhostProfile", f"{at}.runtimeDefaultProfile")
        for one, other in (profiles, profiles[::-1]):
            yield invalid(one, f"{one} cannot be set when {other} is set")


def _placement(at: str, placement: NodePlacement) -> Causes:
    """What Kubernetes would refuse the programs' pods for; nothing is tried out, which would need rights for it."""
    yield from check_labels(f"{at}.nodeSelector", placement.node_selector)
    yield from check_affinity(f"{at}.affinity", placement.affinity)
    for index, toleration in enumerate(placement.tolerations):
        yield from check_toleration(f"{at}.tolerations[{index}]", toleration)


def quoted(text: str) -> str:
    """A text in quotation marks, as Go prints it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
