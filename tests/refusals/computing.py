"""What is refused of CPUs, memory, firmware and small devices."""

from tests.refusals.samples import Refusal, S, devices, domain

COMPUTING: list[Refusal] = [
    (
        {"domain": {"resources": {"requests": {"memory": "-1"}}, "memory": {"guest": "64Mi"}}},
        "Invalid",
        f"{S}.resources.requests.memory",
        f"{S}.resources.requests.memory '-1': must be greater than or equal to 0.",
    ),
    (
        {"domain": {"resources": {"limits": {"memory": "64Mi"}}, "memory": {"guest": "32Mi"}}},
        "Invalid",
        f"{S}.resources.requests.memory",
        f"{S}.resources.requests.memory '128Mi' is greater than {S}.resources.limits.memory '64Mi'",
    ),
    (
        {"domain": {"resources": None}},
        "Required",
        "",
        f"no memory requested, at least one of '{S}.memory.guest', '{S}.memory.hugepages.size' or "
        f"'{S}.resources.requests.memory' must be set",
    ),
    (
        {"domain": {"cpu": {"features": [{"name": "x", "policy": "please"}]}}},
        "NotSupported",
        f"{S}.cpu.features[0].policy",
        "CPU feature x uses policy please that is not supported.",
    ),
    (
        {"domain": {"machine": {"type": "isapc"}}},
        "Invalid",
        f"{S}.machine.type",
        f"{S}.machine.type is not supported: isapc (allowed values: [q35* pc-q35*])",
    ),
    ({"architecture": "vax"}, "Invalid", "spec.architecture", "unsupported architecture: vax"),
    (
        {"domain": {"firmware": {"bootloader": {"efi": {}}}}},
        "Invalid",
        S,
        f"{S} has EFI SecureBoot enabled. SecureBoot requires SMM, which is currently disabled.",
    ),
    (
        {"domain": {"firmware": {"kernelBoot": {"container": {"image": "a"}}}}},
        "Required",
        f"{S}.firmware.kernelBoot.container",
        f"{S}.firmware.kernelBoot.container must be defined with at least one of the following: "
        "kernelPath, initrdPath",
    ),
    (
        devices(video={"type": "ega"}),
        "Invalid",
        f"{S}.devices.video.type",
        "video model 'ega' is not supported on amd64 architecture",
    ),
    (
        devices(panicDevices=[{"model": "loud"}]),
        "Invalid",
        f"{S}.devices.panicDevices[0].model",
        "invalid PanicDeviceModel(loud)",
    ),
    (
        devices(hostDevices=[{"name": "a", "deviceName": "b"}]),
        "Invalid",
        "spec.HostDevices",
        "Host Devices feature gate is not enabled in kubevirt-config",
    ),
    (
        domain(resources={"requests": {"memory": "128"}}, memory={"guest": "64Mi"}),
        "Invalid",
        f"{S}.resources.requests.memory",
        f"{S}.resources.requests.memory '128': must be greater than or equal to 1M.",
    ),
    (
        domain(resources={"limits": {"cpu": "-1"}, "requests": {"cpu": "0"}}, cpu={"sockets": 1}),
        "Invalid",
        f"{S}.resources.limits.cpu",
        f"{S}.resources.limits.cpu '-1': must be greater than or equal to 0.",
    ),
    (
        domain(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
        "Invalid",
        f"{S}.resources.requests.cpu",
        f"{S}.resources.requests.cpu '2' is greater than {S}.resources.limits.cpu '1'",
    ),
    (
        domain(memory={"hugepages": {"pageSize": "big"}}),
        "Invalid",
        f"{S}.memory.hugepages.pageSize",
        f"{S}.memory.hugepages.pageSize 'big': quantities must match the regular expression "
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ),
    (
        domain(memory={"hugepages": {"pageSize": "1Gi"}}),
        "Invalid",
        f"{S}.resources.requests.memory",
        f"{S}.resources.requests.memory '128Mi' must be equal to or larger than page size "
        f"{S}.memory.hugepages.pageSize '1Gi'",
    ),
    (
        domain(memory={"hugepages": {"pageSize": "2Mi"}}, resources={"requests": {"memory": "65Mi"}}),
        "Invalid",
        f"{S}.resources.requests.memory",
        f"{S}.resources.requests.memory '65Mi' is not a multiple of the page size "
        f"{S}.memory.hugepages.pageSize '2Mi'",
    ),
    (
        domain(cpu={"isolateEmulatorThread": True}),
        "Invalid",
        f"{S}.cpu.isolateEmulatorThread",
        "IsolateEmulatorThread should be only set in combination with DedicatedCPUPlacement",
    ),
    (
        domain(cpu={"dedicatedCpuPlacement": True},
               resources={"limits": {"cpu": "1500m"}, "requests": {"cpu": "0"}}),
        "Invalid",
        f"{S}.resources.limits.cpu",
        "provided resources CPU limits must be an interger",
    ),
    (
        domain(cpu={"dedicatedCpuPlacement": True, "threads": 3}),
        "Invalid",
        f"{S}.cpu.dedicatedCpuPlacement",
        f"Not more than two threads must be provided at {S}.cpu.threads (got 3) when DedicatedCPUPlacement is true",
    ),
    (
        domain(cpu={"dedicatedCpuPlacement": True, "cores": 1, "numa": {"guestMappingPassthrough": {}}}),
        "Invalid",
        f"{S}.cpu.numa.guestMappingPassthrough",
        f"{S}.memory.hugepages must be requested when NUMA topology strategy is set in "
        f"{S}.cpu.numa.guestMappingPassthrough",
    ),
    (
        domain(cpu={"dedicatedCpuPlacement": True, "cores": 1, "realtime": {}}),
        "Required",
        f"{S}.cpu.numa.guestMappingPassthrough",
        f"{S}.cpu.numa.guestMappingPassthrough must be defined when {S}.cpu.realtime is used",
    ),
    (
        domain(cpu={"sockets": 4, "maxSockets": 2}),
        "Invalid",
        f"{S}.cpu.sockets",
        "Number of sockets in CPU topology is greater than the maximum sockets allowed",
    ),
    (
        domain(memory={"reservedOverhead": {}}),
        "Invalid",
        f"{S}.memory.reservedOverhead",
        "Reserved overhead memlock feature gate is not enabled in kubevirt-config",
    ),
    (
        domain(firmware={"bootloader": {"efi": {"secureBoot": False}, "bios": {}}}),
        "Invalid",
        f"{S}.firmware.bootloader",
        f"{S}.firmware.bootloader has both EFI and BIOS configured, but they are mutually exclusive.",
    ),
    (
        domain(firmware={"kernelBoot": {"kernelArgs": "quiet"}}),
        "Invalid",
        f"{S}.firmware.kernelBoot.kernelArgs",
        "kernel arguments cannot be provided without an external kernel",
    ),
    (
        domain(firmware={"kernelBoot": {"container": {"image": "a", "initrdPath": "../initrd"}}}),
        "Invalid",
        f"{S}.firmware.kernelBoot.container.initrdPath",
        f"{S}.firmware.kernelBoot.container.initrdPath must be an absolute path to a file without relative components",
    ),
    (
        domain(firmware={"kernelBoot": {"container": {"image": "", "kernelPath": "/k"}}}),
        "Required",
        f"{S}.firmware.kernelBoot.container.image",
        f"{S}.firmware.kernelBoot.container must be defined with an image",
    ),
    (
        domain(firmware={"acpi": {}}),
        "Invalid",
        "spec.acpi",
        "ACPI was set but no SLIC nor MSDM volume reference was set",
    ),
    (
        domain(firmware={"acpi": {"slicNameRef": "nowhere"}}),
        "Invalid",
        "spec.acpi.slicNameRef",
        "spec.acpi does not have a matching Volume.",
    ),
    (
        domain(firmware={"acpi": {"msdmNameRef": "root"}}),
        "Invalid",
        "spec.acpi.msdmNameRef",
        "spec.acpi refers to Volume of unsupported type.",
    ),
    (
        domain(ioThreadsPolicy="many"),
        "Invalid",
        f"{S}.ioThreadsPolicy",
        "Invalid IOThreadsPolicy (many)",
    ),
    (
        domain(ioThreadsPolicy="supplementalPool"),
        "Invalid",
        f"{S}.ioThreads.count",
        "the number of iothreads needs to be set and positive for the dedicated policy",
    ),
    (
        domain(features={"hyperv": {"vapic": {}}, "hypervPassthrough": {}}),
        "Invalid",
        f"{S}.features.hyperv",
        "Cannot explicitly set hyperV features if HypervPassthrough is being used. "
        "Please use either HyperV or HypervPassthrough.",
    ),
    (
        domain(features={"hyperv": {"synic": {}, "vpindex": {"enabled": False}}}),
        "Invalid",
        f"{S}.features.hyperv.synic",
        f"'{S}.features.hyperv.synic' requires '{S}.features.hyperv.vpindex', which was disabled.",
    ),
    (
        domain(launchSecurity={}),
        "Invalid",
        "spec.launchSecurity",
        "One and only one launchSecurity type can be set",
    ),
    (
        domain(launchSecurity={"sev": {}}),
        "Invalid",
        "spec.launchSecurity",
        "SEV requires OVMF (UEFI)",
    ),
    (
        domain(launchSecurity={"snp": {}}, firmware={"bootloader": {"efi": {"secureBoot": False, "persistent": True}}}),
        "Invalid",
        "spec.launchSecurity",
        "SEV-SNP does not work along with Persistent EFI variables",
    ),
    (
        domain(launchSecurity={"sev": {"attestation": {}}}, firmware={"bootloader": {"efi": {"secureBoot": False}}}),
        "Invalid",
        "spec.launchSecurity",
        "SEV attestation requires VMI StartStrategy 'Paused'",
    ),
    (devices(inputs=[{"name": "a", "type": "tablet", "bus": "ps2"}]), "Invalid", f"{S}.devices.inputs[0].bus",
     "Input device can have only virtio or usb bus."),
    (devices(inputs=[{"name": "a", "type": "mouse", "bus": "usb"}]), "Invalid", f"{S}.devices.inputs[0].type",
     "Input device can have only tablet type."),
    (devices(sound={"name": "a", "model": "sb16"}), "Invalid", "spec.Sound",
     "Sound device type is not supported. Options: 'ich9' or 'ac97'"),
    (devices(sound={"name": ""}), "Invalid", "spec.Sound", "Sound device requires a name field."),
    (
        devices(gpus=[{"name": name, "deviceName": "a/b", "virtualGPUOptions": {"display": {}}} for name in "ab"]),
        "Invalid",
        "spec.GPUs",
        "configuring multiple displays with ramfb is not valid ",
    ),
    (devices(autoattachVSOCK=True), "Invalid", f"{S}.devices.autoattachVSOCK",
     "VSOCK feature gate is not enabled in kubevirt-config"),
    (devices(downwardMetrics={}), "Invalid", f"{S}.devices.downwardMetrics",
     "downwardMetrics virtio serial is not allowed: DownwardMetrics feature gate is not enabled"),
    (devices(watchdog={"name": "a", "diag288": {}}), "NotSupported", f"{S}.devices.watchdog",
     "amd64 only supports I6300ESB watchdog device"),
    (devices(video={"type": "vga"}, autoattachGraphicsDevice=False), "Invalid", "spec.video",
     "Video configuration is not allowed when autoattachGraphicsDevice is set to false"),
]
