"""Paths inside the launcher pod that others rely on: handler_launcher.md A7 and C4, as far as they are kept."""

from __future__ import annotations

import pytest

from kubevirt.machine import paths


@pytest.mark.parametrize(("found", "expected"), [
    pytest.param(paths.LAUNCHER_SOCKET, "/var/run/kubevirt/sockets/launcher-sock", id="the launcher"),
    pytest.param(paths.serial_socket("u"), "/var/run/kubevirt-private/u/virt-serial0", id="console"),
    pytest.param(paths.serial_log("u"), "/var/run/kubevirt-private/u/virt-serial0-log", id="log of the console"),
    pytest.param(paths.vnc_socket("u"), "/var/run/kubevirt-private/u/virt-vnc", id="screen"),
    *(pytest.param(paths.usb_redirection_socket("u", slot), f"/var/run/kubevirt-private/u/virt-usbredir-{slot}",
                   id=f"USB slot {slot}") for slot in range(4)),
    pytest.param(paths.overlay("v"), "/var/run/kubevirt-ephemeral-disks/disk-data/v/disk.qcow2", id="overlay"),
    pytest.param(paths.volume_file("v"), "/var/run/kubevirt-private/vmi-disks/v/disk.img", id="claim, a file"),
    pytest.param(paths.volume_file("v", "mine.img"), "/var/run/kubevirt-private/vmi-disks/v/mine.img", id="host disk"),
    pytest.param(paths.block_device("v"), "/dev/v", id="claim, a block device"),
    pytest.param(paths.hotplug_file("v"), "/var/run/kubevirt/hotplug-disks/v.img", id="plugged file"),
    pytest.param(paths.hotplug_block_device("v"), "/var/run/kubevirt/hotplug-disks/v", id="plugged device"),
    pytest.param(paths.cloud_init_iso("ns", "web", "noCloud.iso"),
                 "/var/run/kubevirt-ephemeral-disks/cloud-init-data/ns/web/noCloud.iso", id="cloud-init, NoCloud"),
    pytest.param(paths.cloud_init_iso("ns", "web", "configdrive.iso"),
                 "/var/run/kubevirt-ephemeral-disks/cloud-init-data/ns/web/configdrive.iso", id="cloud-init, drive"),
    pytest.param(paths.ignition_file("ns", "web"),
                 "/var/run/kubevirt-ephemeral-disks/ignition-data/ns/web/data.ign", id="ignition"),
    pytest.param(paths.config_map_iso("v"), "/var/run/kubevirt-private/config-map-disks/v.iso", id="ConfigMap"),
    pytest.param(paths.secret_iso("v"), "/var/run/kubevirt-private/secret-disks/v.iso", id="Secret"),
    pytest.param(paths.downward_api_iso("v"), "/var/run/kubevirt-private/downwardapi-disks/v.iso", id="fields"),
    pytest.param(paths.sysprep_iso("v"), "/var/run/kubevirt-private/sysprep-disks/v.iso", id="answer files"),
    pytest.param(paths.service_account_iso(), "/var/run/kubevirt-private/service-account-disk/service-account.iso",
                 id="service account"),
    pytest.param(paths.DOWNWARD_METRICS_DISK, "/var/run/kubevirt-private/downwardapi-disks/vhostmd0", id="metrics"),
])  # fmt: skip
def test_paths(found: str, expected: str) -> None:
    assert found == expected
