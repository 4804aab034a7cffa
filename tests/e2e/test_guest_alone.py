"""The demo guest in QEMU alone: that it boots on little memory and from every bus, and obeys its data disk and buttons.

What the cluster gives a guest (network, console, data disk, agent) is tested in the walk through a whole cluster.
"""

from pathlib import Path

import pytest

from tests.e2e.guest_box import AGENT_CHANNEL, VIRTIO_DISK, guest, iso, missing

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(missing()), reason=missing() or "-")]

NETWORK = ("-netdev", "user,id=net", "-device", "virtio-net-pci-non-transitional,netdev=net")


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind() -> None:
    """In place of the one that looks at the cluster, which these tests do without."""


def data_disk(path: Path) -> tuple[str, ...]:
    drive = f"file={path},if=none,id=data,format=raw,readonly=on"
    return ("-drive", drive, "-device", "virtio-blk-pci-non-transitional,drive=data")


def test_boots_in_64_megabytes_runs_its_script_once_and_obeys_the_power_button(tmp_path: Path) -> None:
    seed = iso(
        tmp_path / "seed.iso",
        "cidata",
        {
            "meta-data": '{"instance-id":"one.default","local-hostname":"vm-cirros"}',
            "user-data": "#!/bin/sh\n\necho 'printed from cloud-init userdata'\n",
        },
    )
    with guest(*VIRTIO_DISK, *data_disk(seed), *NETWORK) as vm:
        said = vm.log_in()
        assert "printed from cloud-init userdata" in said
        assert "not the CirrOS image" in said
        assert "login as 'cirros' user. default password: 'gocubsgo'. use 'sudo' for root." in said
        assert said.endswith("vm-cirros login: ")
        assert "10.0.2.15/24" in vm.run("ip addr show eth0")
        assert "default via 10.0.2.2" in vm.run("ip route")
        assert "nameserver 10.0.2.3" in vm.run("cat /etc/resolv.conf")
        assert vm.run("sudo sh -c 'id -un; echo \"$0\"' 'two  words'") == "root\ntwo  words\n"
        assert vm.run("cat /var/log/cloud-init-output.log") == "printed from cloud-init userdata\n"
        vm.type("sudo reboot\n")
        assert "printed from cloud-init userdata" not in vm.log_in()
        vm.power_button()
        assert vm.process.wait(timeout=120) == 0


def test_cloud_config_with_static_network(tmp_path: Path) -> None:
    seed = iso(
        tmp_path / "seed.iso",
        "cidata",
        {
            "meta-data": "instance-id: two\nlocal-hostname: other\n",
            "user-data": """#cloud-config
hostname: configured
password: changed
chpasswd: { expire: False }
ssh_authorized_keys:
  - ssh-ed25519 AAAA test@example
users:
  - default
  - name: alice
    ssh_authorized_keys: [ssh-ed25519 BBBB alice@example]
write_files:
  - path: /etc/note
    permissions: '0600'
    content: |
      first
        second
bootcmd:
  - echo early
runcmd:
  - [sh, -c, "echo 'a  list' > /run/list"]
  - echo text > /run/text
packages: [nginx]
""",
            "network-config": """version: 2
ethernets:
  eth0:
    addresses: [10.0.2.99/24, "fd00::99/64"]
    gateway4: 10.0.2.2
    mtu: 1400
    nameservers: {addresses: [10.0.2.3], search: [example.org]}
""",
        },
    )
    with guest(*VIRTIO_DISK, *data_disk(seed), *NETWORK) as vm:
        said = vm.log_in(password="changed")
        assert said.endswith("configured login: ")
        assert "'packages' is not supported" in said
        addresses = vm.run("ip addr show eth0")
        assert "10.0.2.99/24" in addresses
        assert "fd00::99/64" in addresses
        assert "mtu 1400" in addresses
        assert "10.0.2.15" not in addresses
        assert vm.run("cat /etc/resolv.conf") == "search example.org\nnameserver 10.0.2.3\n"
        assert vm.run("sudo cat /etc/note; sudo stat -c %a /etc/note") == "first\n  second\n600\n"
        assert vm.run("cat /run/list /run/text") == "a  list\ntext\n"
        assert vm.run("cat .ssh/authorized_keys") == "ssh-ed25519 AAAA test@example\n"
        assert vm.run("sudo cat /home/alice/.ssh/authorized_keys") == "ssh-ed25519 BBBB alice@example\n"


def test_config_drive_on_a_cdrom_with_a_sata_disk_and_the_guest_agent(tmp_path: Path) -> None:
    latest = "openstack/latest"
    seed = iso(
        tmp_path / "seed.iso",
        "config-2",
        {
            f"{latest}/meta_data.json": '{"uuid": "3", "hostname": "drive", "public_keys": {"0": "ssh-ed25519 CCCC"}}',
            f"{latest}/user_data": "#!/bin/bash\necho shell is $BASH\n",
            f"{latest}/network_data.json": '{"links": [{"id": "nic", "ethernet_mac_address": "52:54:00:AA:00:01"}],'
            ' "networks": [{"link": "nic", "type": "ipv4_dhcp"}],'
            ' "services": [{"type": "dns", "address": "10.0.2.9"}]}',
        },
    )
    with guest(
        "-device", "ide-hd,drive=root,bus=ide.0,bootindex=1",
        "-drive", f"file={seed},if=none,id=data,format=raw,readonly=on", "-device", "ide-cd,drive=data,bus=ide.1",
        "-netdev", "user,id=net", "-device", "e1000,netdev=net,mac=52:54:00:aa:00:01", *AGENT_CHANNEL,
    ) as vm:  # fmt: skip
        said = vm.log_in()
        assert "shell is /bin/bash" in said, said
        assert said.endswith("drive login: ")
        assert vm.run("cat .ssh/authorized_keys") == "ssh-ed25519 CCCC\n"
        assert "nameserver 10.0.2.9" in vm.run("cat /etc/resolv.conf")
        vm.run("until pidof qemu-ga > /dev/null; do sleep 1; done")
        assert vm.agent("guest-get-host-name") == {"host-name": "drive"}


@pytest.mark.parametrize(
    "devices",
    [
        pytest.param(("virtio-scsi-pci-non-transitional", "scsi-hd,drive=root"), id="virtio-scsi"),
        pytest.param(("qemu-xhci", "usb-storage,drive=root"), id="usb"),
    ],
)
def test_boots_from_other_buses_without_network_or_data(devices: tuple[str, ...]) -> None:
    with guest(*(word for device in devices for word in ("-device", device))) as vm:
        assert vm.log_in().endswith("cirros login: ")
        vm.type("sudo poweroff\n")
        assert vm.process.wait(timeout=120) == 0
