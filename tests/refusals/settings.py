"""What is refused of names, probes, resolvers, accounts and credentials."""

from kubevirt.kit.json import JsonObject
from tests.refusals.samples import DISK, LABEL, SUBDOMAIN, Refusal, devices

KEY: JsonObject = {"secret": {"secretName": "keys"}}
AGENT: JsonObject = {"users": ["root"]}
NOBODY: JsonObject = {"users": []}

SETTINGS: list[Refusal] = [
    (
        {"evictionStrategy": "Sometimes"},
        "Invalid",
        "spec.evictionStrategy",
        "spec.evictionStrategy is set with an unrecognized option: Sometimes",
    ),
    (
        {"readinessProbe": {}},
        "Required",
        "spec.readinessProbe",
        "either spec.readinessProbe.tcpSocket, spec.readinessProbe.exec or spec.readinessProbe.httpGet must be set "
        "if a spec.readinessProbe is specified",
    ),
    (
        {"dnsPolicy": "None", "dnsConfig": {}},
        "Required",
        "nameservers",
        "must provide at least one DNS nameserver when `dnsPolicy` is None",
    ),
    (
        {"tolerations": [{"operator": "Maybe"}]},
        "",
        "",
        "spec.tolerations.operator in body should be one of [Equal Exists Gt Lt]",
    ),
    (
        {"accessCredentials": [{}]},
        "Invalid",
        "spec.accessCredentials[0]",
        "spec.accessCredentials[0] must have exactly one access credential type set",
    ),
    (
        {"hostname": "no_good"},
        "Invalid",
        "spec.hostname",
        f"spec.hostname does not conform to the kubernetes DNS_LABEL rules : {LABEL}",
    ),
    (
        {"subdomain": "No"},
        "Invalid",
        "spec.subdomain",
        f"spec.subdomain does not conform to the kubernetes DNS_SUBDOMAIN rules : {SUBDOMAIN}",
    ),
    (
        {"startStrategy": "Soon"},
        "Invalid",
        "spec.startStrategy",
        "spec.startStrategy is set with an unrecognized option: Soon",
    ),
    (
        {"startStrategy": "Paused", "livenessProbe": {"guestAgentPing": {}}},
        "Invalid",
        "spec.startStrategy",
        "either spec.startStrategy or spec.livenessProbe should be provided.Pausing VMI with LivenessProbe is not "
        "supported",
    ),
    (
        {"readinessProbe": {"tcpSocket": {"port": 1}, "guestAgentPing": {}}},
        "Invalid",
        "spec.readinessProbe",
        "spec.readinessProbe must have exactly one probe type set",
    ),
    (
        devices(autoattachPodInterface=False) | {"livenessProbe": {"httpGet": {"port": 80}}},
        "Invalid",
        "spec.livenessProbe.httpGet",
        "spec.livenessProbe.httpGet is only allowed if the Pod Network is attached",
    ),
    (
        {"dnsPolicy": "Sometimes"},
        "",
        "",
        "spec.dnsPolicy in body should be one of [ClusterFirst ClusterFirstWithHostNet Default None]",
    ),
    ({"dnsPolicy": "None"}, "Required", "spec.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None"),
    (
        {"dnsConfig": {"nameservers": ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"]}},
        "Invalid",
        "nameservers",
        "must not have more than 3 nameservers: [1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4]",
    ),
    ({"dnsConfig": {"nameservers": ["me"]}}, "Invalid", "nameservers", "must be valid IP address: me"),
    (
        {"dnsConfig": {"searches": [f"a{i}.example" for i in range(7)]}},
        "Invalid",
        "searchDomains",
        "must not have more than 6 search paths",
    ),
    (
        {"dnsConfig": {"searches": [".".join(["x" * 60] * 4), "y.example." + "z" * 60]}},
        "Invalid",
        "searchDomains",
        "must not have more than 256 characters (including spaces) in the search list",
    ),
    ({"dnsConfig": {"options": [{"value": "a"}]}}, "Invalid", "options", "Option.Name must not be empty"),
    (
        {"serviceAccountName": "Me"},
        "Invalid",
        "spec.serviceAccountName",
        f"spec.serviceAccountName is not a valid service account name: {SUBDOMAIN}",
    ),
    (
        {"serviceAccountName": "me", "volumes": [DISK, {"name": "a", "serviceAccount": {"serviceAccountName": "you"}}]},
        "Duplicate",
        "spec.volumes[1].serviceAccount.serviceAccountName",
        'spec.serviceAccountName "me" and serviceAccount volume "you" must reference the same service account',
    ),
    (
        {"accessCredentials": [{"sshPublicKey": {"source": {}, "propagationMethod": {"qemuGuestAgent": AGENT}}}]},
        "Invalid",
        "spec.accessCredentials[0].sshPublicKey.source",
        "spec.accessCredentials[0] must have exactly one source set",
    ),
    (
        {"accessCredentials": [{"sshPublicKey": {"source": KEY, "propagationMethod": {}}}]},
        "Invalid",
        "spec.accessCredentials[0].sshPublicKey.propagationMethod",
        "spec.accessCredentials[0] must have exactly one propagationMethod set",
    ),
    (
        {"accessCredentials": [{"sshPublicKey": {"source": KEY, "propagationMethod": {"noCloud": {}}}}]},
        "Invalid",
        "spec.accessCredentials[0].sshPublicKey.propagationMethod",
        "spec.accessCredentials[0] requires a noCloud volume to exist when the noCloud propagationMethod is in use.",
    ),
    (
        {"accessCredentials": [{"sshPublicKey": {"source": KEY, "propagationMethod": {"qemuGuestAgent": NOBODY}}}]},
        "Invalid",
        "spec.accessCredentials[0].sshPublicKey.propagationMethod.qemuGuestAgent.users",
        "spec.accessCredentials[0] requires at least one user to be present in the users list",
    ),
    (
        {"resourceClaims": [{"name": "a"}]},
        "Invalid",
        "spec.resourceClaims[0]",
        "must specify one of: resourceClaimName, resourceClaimTemplateName",
    ),
    (
        devices(gpus=[{"name": "a", "claimName": "b", "requestName": "c"}]),
        "Invalid",
        "spec.resourceClaims",
        "vmi.spec.resourceClaims must specify all claims used in vmi.spec.domain.devices.gpus and "
        "vmi.spec.domain.devices.hostDevices",
    ),
]
