"""What is accepted, but should be written otherwise: warnings that `kubectl` shows to whoever sends the object."""

from kubevirt.api.gates import REGISTRY, Stage
from kubevirt.api.kubevirt import KubeVirt, KubeVirtConfiguration
from kubevirt.api.validation.scheduling import scheduling_warnings
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance

RUNNING = "spec.running is deprecated, please use spec.runStrategy instead."

# Gates whose warning says more than that they do nothing any more.
GATES = {
    "DockerSELinuxMCSWorkaround": "DockerSELinuxMCSWorkaround has been deprecated since v1.4.",
    "MultiArchitecture": "MultiArchitecture has been deprecated since v1.8.0",
    "DisableMDEVConfiguration": "DisableMDEVConfiguration has been deprecated since v1.8.0",
    "HotplugVolumes": (
        "HotplugVolumes has been deprecated since v1.9.0 and has been replaced by DeclarativeHotplugVolumes"
    ),
    "ExperimentalVirtiofsSupport": (
        "Virtiofs ExperimentalVirtiofsSupport feature gate is discontinued since v1.7. Please use "
        "EnableVirtioFsConfigVolumes or EnableVirtioFsPVC feature gates instead"
    ),
    "Passt": "Passt network binding has been discontinued since v1.3",
    "Macvtap": "Macvtap network binding has been discontinued since v1.3",
    "PasstIPStackMigration": "feature gate PasstIPStackMigration has no effect, support has been discontinued",
}


def vm_warnings(vm: VirtualMachine) -> list[str]:
    """What the sender of a machine should know."""
    found = [RUNNING] if vm.spec.running is not None else []
    return found + scheduling_warnings("spec.template.spec", vm.spec.template.spec)


def vmi_warnings(vmi: VirtualMachineInstance) -> list[str]:
    """What the sender of an instance should know."""
    return scheduling_warnings("spec", vmi.spec)


def kubevirt_warnings(kubevirt: KubeVirt) -> list[str]:
    """What the sender of the installation's settings should know."""
    given = kubevirt.spec.configuration or KubeVirtConfiguration()
    developer = given.developer_configuration
    found = [text for gate in (developer.feature_gates if developer is not None else []) if (text := _gate(gate))]
    devices = given.mediated_devices_configuration
    at = "spec.configuration.mediatedDevicesConfiguration"
    if devices is not None:
        if devices.mediated_devices_types:
            found.append(f"{at}.mediatedDevicesTypes is deprecated, use mediatedDeviceTypes")
        for index, node in enumerate(devices.node_mediated_device_types):
            if node.mediated_devices_types:
                here = f"{at}.nodeMediatedDeviceTypes[{index}].mediatedDevicesTypes"
                found.append(f"{here} is deprecated, use mediatedDeviceTypes")
    architectures = given.architecture_configuration
    if architectures is not None and architectures.ppc64le is not None:
        here = "spec.configuration.architectureConfiguration.ppc64le"
        found.append(f"{here} is deprecated, the architecture is not supported")
    return found


def _gate(gate: str) -> str:
    """The warning about a gate that is listed; empty where there is nothing to say."""
    match REGISTRY.get(gate):
        case None:
            return f"feature gate {gate} is unknown, it has no effect"
        case Stage.GA:
            return (
                f'feature gate {gate} is deprecated (feature state is "General Availability"), therefore it can be '
                "safely removed and is redundant."
            )
        case Stage.DEPRECATED | Stage.DISCONTINUED:
            return GATES[gate]
        case _:
            return ""

