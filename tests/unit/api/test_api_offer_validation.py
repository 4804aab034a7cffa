"""What is refused of pools, instance types, preferences, presets and the installation: field, reason and wording."""


import pytest
from kind_samples import PLAIN, named, short

from kubevirt.api import codec
from kubevirt.api.instancetype import VirtualMachineInstancetypeSpec
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.pool import VirtualMachinePool
from kubevirt.api.preference import VirtualMachinePreferenceSpec
from kubevirt.api.preset import VirtualMachineInstancePreset
from kubevirt.api.validation import deprecations, installation, offers
from kubevirt.api.validation.pool import validate_pool
from kubevirt.kit.json import Json, JsonObject, merge

# Pools, instance types, preferences, presets --------------------------------------------------------------------------

MACHINE: JsonObject = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {
        "runStrategy": "Always",
        "template": {"spec": {"domain": {"devices": {}, "memory": {"guest": "64Mi"}}}},
    },
}
POOL: JsonObject = {"selector": {"matchLabels": {"app": "web"}}, "virtualMachineTemplate": MACHINE}
P = "spec.virtualMachineTemplate.spec"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, [], id="a pool"),
        pytest.param({"maxUnavailable": "25%", "updateStrategy": {"proactive": {}}}, [], id="with settings"),
        pytest.param({"virtualMachineTemplate": None},
                     [("Required", "spec.template", "missing virtual machine template.")], id="no template"),
        pytest.param({"virtualMachineTemplate": {"spec": {"runStrategy": None}}},
                     [("Required", f"{P}.running", "RunStrategy must be specified")], id="the machine's own rules"),
        pytest.param({"virtualMachineTemplate": {"spec": {"template": {"spec": {"startStrategy": "x"}}}}},
                     [("Invalid", f"{P}.template.spec.startStrategy",
                       f"{P}.template.spec.startStrategy is set with an unrecognized option: x")],
                     id="the template's own rules"),
        pytest.param({"selector": {"matchLabels": {"app": "db"}}},
                     [("Invalid", "spec.selector", "selector does not match labels.")], id="foreign machines"),
        pytest.param({"maxUnavailable": 0},
                     [("Invalid", "spec.maxUnavailable", "maxUnavailable must be greater than 0")], id="none"),
        pytest.param({"maxUnavailable": "5"},
                     [("Invalid", "spec.maxUnavailable", "maxUnavailable percentage must end with %")], id="no %"),
        pytest.param({"maxUnavailable": "x%"},
                     [("Invalid", "spec.maxUnavailable",
                       'maxUnavailable percentage value "x" is invalid: \'x\' is not a number')], id="no number"),
        pytest.param({"maxUnavailable": "101%"},
                     [("Invalid", "spec.maxUnavailable",
                       "maxUnavailable percentage value 101 must be between 1 and 100")], id="too much"),
        pytest.param({"scaleInStrategy": {"proactive": {}, "unmanaged": {}}},
                     [("Invalid", "spec.scaleInStrategy",
                       "only one strategy can be configured at a time: but found proactive, unmanaged strategies")],
                     id="two strategies"),
    ],
)
def test_pools(change: JsonObject, expected: list[tuple[str, str, str]]) -> None:
    pool = codec.convert(named(merge(POOL, change)), VirtualMachinePool)
    # The template's own texts name the path within a machine; only the field says where in the pool that is.
    found = short(validate_pool(pool, PLAIN))
    assert [(r, f, m.replace("spec.template.spec", f"{P}.template.spec")) for r, f, m in found] == expected


LABELS: tuple[JsonObject, JsonObject] = ({"app": "web", "old": "1"}, {"app": "web"})


def test_a_pool_keeps_its_selector() -> None:
    old, new = (
        codec.convert(named(merge(POOL, {"selector": {"matchLabels": labels}})), VirtualMachinePool)
        for labels in LABELS
    )
    assert short(validate_pool(new, PLAIN, old)) == [
        ("Invalid", "spec.selector", "selector is immutable after creation.")
    ]


M = "spec.memory"


@pytest.mark.parametrize(
    ("memory", "expected"),
    [
        pytest.param({"overcommitPercent": 15}, [], id="overcommit"),
        pytest.param({"overcommitPercent": 101},
                     [("Invalid", f"{M}.overcommitPercent",
                       f"{M}.overcommitPercent '101': must be in range between 0 and 100.")], id="too much"),
        pytest.param({"overcommitPercent": 1, "hugepages": {"pageSize": "2Mi"}},
                     [("Invalid", f"{M}.overcommitPercent",
                       f"{M}.overcommitPercent and {M}.hugepages should not be requested together.")],
                     id="huge pages are not shared out twice"),
    ],
)
def test_instancetypes(memory: JsonObject, expected: list[tuple[str, str, str]]) -> None:
    spec: JsonObject = {"cpu": {"guest": 1}, "memory": {"guest": "1Gi", **memory}}
    assert short(offers.validate_instancetype(codec.convert(spec, VirtualMachineInstancetypeSpec))) == expected


@pytest.mark.parametrize(
    ("cpu", "field"),
    [
        pytest.param({"preferredCPUTopology": "spread", "spreadOptions": {"ratio": 4}}, "", id="spread"),
        pytest.param({"preferredCPUTopology": "preferSockets"}, "", id="by its old name"),
        pytest.param({"preferredCPUTopology": "flat"}, "spec.cpu.preferredCPUTopology", id="unknown"),
        pytest.param({"spreadOptions": {"across": "x"}}, "spec.cpu.spreadOptions.across", id="across what"),
        pytest.param({"spreadOptions": {"across": "CoresThreads", "ratio": 3}}, "spec.cpu.spreadOptions.ratio",
                     id="three threads a core"),
    ],
)
def test_preferences(cpu: JsonObject, field: str) -> None:
    found = offers.validate_preference(codec.convert({"cpu": cpu}, VirtualMachinePreferenceSpec))
    assert [cause.field for cause in found] == ([field] if field else [])


def test_old_preferences_are_accepted_with_a_warning() -> None:
    spec: JsonObject = {"cpu": {"preferredCPUTopology": "preferCores"}, "firmware": {"preferredUseEfi": True}}
    warnings = offers.preference_warnings(codec.convert(spec, VirtualMachinePreferenceSpec))
    assert [text.split(" is deprecated, use ")[1] for text in warnings] == ["cores", "spec.firmware.preferredEfi"]


@pytest.mark.parametrize(("domain", "messages"), [({"devices": {}}, []), (None, ["missing domain."])])
def test_presets(domain: Json, messages: list[str]) -> None:
    preset = codec.convert(named({"selector": {}, "domain": domain}), VirtualMachineInstancePreset)
    assert [cause.message for cause in offers.validate_preset(preset)] == messages


# The installation -----------------------------------------------------------------------------------------------------


def kubevirt(spec: JsonObject, phase: str = "Deployed") -> KubeVirt:
    return codec.convert(named(spec, "kubevirt", status={"phase": phase}), KubeVirt)


def rotation(**self_signed: Json) -> JsonObject:
    return {"certificateRotateStrategy": {"selfSigned": dict(self_signed)}}


def configuration(**members: Json) -> JsonObject:
    return {"configuration": dict(members)}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param(rotation(ca={"duration": "48h", "renewBefore": "24h"}), "", id="certificates"),
        pytest.param(rotation(ca={"duration": "48h"}, caRotateInterval="1h"), "conflict with CertConfig", id="twice"),
        pytest.param(rotation(server={"duration": "1h", "renewBefore": "2h"}), "Cert RenewBefore cannot exceed",
                     id="renewed before it is made"),
        pytest.param(rotation(ca={"duration": "1h"}, server={"duration": "2h"}), "duration cannot exceed CA",
                     id="life"),
        pytest.param(rotation(ca={"duration": "soon"}), "is not a duration", id="no duration"),
        pytest.param(configuration(developerConfiguration={"featureGates": ["Root"], "disabledFeatureGates": ["Root"]}),
                     'feature gate "Root" exists on both', id="on and off"),
        pytest.param(configuration(roleAggregationStrategy="Manual"), "", id="a gate that is on"),
        pytest.param(configuration(roleAggregationStrategy="Manual", developerConfiguration={
            "disabledFeatureGates": ["OptOutRoleAggregation"]}), "RoleAggregationStrategy cannot be",
                     id="one that is off"),
        pytest.param(configuration(migrations={"maxDowntimeMs": 100}), "maxDowntimeMs cannot be modified",
                     id="downtime"),
        pytest.param(configuration(tlsConfiguration={"ciphers": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]}),
                     "You cannot specify ciphers", id="ciphers of TLS 1.3"),
        pytest.param(configuration(tlsConfiguration={"minTLSVersion": "VersionTLS12", "ciphers": ["ROT13"]}),
                     "ROT13 is not a valid cipher", id="an odd cipher"),
        pytest.param(configuration(additionalGuestMemoryOverheadRatio="x"), "cannot be parsed into float", id="ratio"),
        pytest.param(configuration(additionalGuestMemoryOverheadRatio="0.5"), "cannot be smaller than 1.0", id="less"),
        pytest.param({"infra": {"replicas": 0}}, "infra replica count can't be 0", id="no replicas"),
        pytest.param({"customizeComponents": {"patches": [
            {"resourceName": "a", "resourceType": "b", "type": "json", "patch": "["}]}}, 'patch "[" is not valid JSON',
            id="no patch"),
    ],
)
def test_settings_of_the_installation(spec: JsonObject, message: str) -> None:
    found = [cause.message for cause in installation.validate_kubevirt(kubevirt(spec))]
    assert len(found) == (1 if message else 0), found
    assert message in "".join(found)


def test_gates_without_effect_are_told() -> None:
    spec = configuration(developerConfiguration={"featureGates": ["Root", "LiveMigration", "Macvtap", "Tpyo"]})
    ripe, gone, unknown = deprecations.kubevirt_warnings(kubevirt(spec))
    assert "feature gate LiveMigration is deprecated" in ripe
    assert gone == "Macvtap network binding has been discontinued since v1.3"
    assert "feature gate Tpyo is unknown" in unknown


@pytest.mark.parametrize(
    ("strategy", "phase", "machines", "refused"),
    [
        pytest.param("RemoveWorkloads", "Deployed", True, False, id="machines go with it"),
        pytest.param("BlockUninstallIfWorkloadsExist", "Deployed", True, True, id="machines keep it"),
        pytest.param("BlockUninstallIfWorkloadsExist", "Deployed", False, False, id="nothing keeps it"),
        pytest.param("BlockUninstallIfWorkloadsExist", "Deploying", True, False, id="it never was there"),
    ],
)
def test_removal_of_the_installation(strategy: str, phase: str, machines: bool, refused: bool) -> None:
    text = installation.removal_obstacle(
        kubevirt({"uninstallStrategy": strategy}, phase), [("Virtual Machines", machines)]
    )
    assert bool(text) == refused
    assert not refused or "there are still Virtual Machines present" in text


def test_there_is_one_installation() -> None:
    assert installation.installation_obstacle([]) == ""
    assert installation.installation_obstacle([kubevirt({})]) == "Kubevirt is already created"
