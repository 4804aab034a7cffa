"""`virtctl create`: flags in, YAML out; nothing is asked of a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.validation import validate_vm
from kubevirt.api.vm import VirtualMachine
from kubevirt.virtctl.__main__ import run_command


def made(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """The document that a command prints."""
    code = run_command(["create", *arguments])
    out, err = capsys.readouterr()
    assert code == 0, err
    return yaml.safe_load(out)


def test_the_smallest_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert made(capsys, "vm", "--name", "web") == {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": "web"},
        "spec": {
            "runStrategy": "Always",
            "template": {
                "metadata": {},
                "spec": {
                    "domain": {"devices": {}, "memory": {"guest": "512Mi"}, "resources": {}},
                    "terminationGracePeriodSeconds": 180,
                },
            },
        },
        "status": {},
    }


def test_keys_are_sorted_and_names_random(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["create", "vm", "-n", "prod"]) == 0
    out = capsys.readouterr().out
    found = yaml.safe_load(out)
    assert found["metadata"]["name"].startswith("vm-")
    assert found["metadata"]["namespace"] == "prod"
    assert list(found) == sorted(found)


def test_a_machine_with_everything(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    vm = made(
        capsys, "vm", "--name=web", "--run-strategy=halted", "--termination-grace-period=5",
        "--instancetype=virtualmachineinstancetype/small", "--preference=fedora",
        "--volume-containerdisk=src:reg:5000/img:1,bootorder:2", "--volume-pvc=src:data,name:d,bootorder:1",
        "--volume-import=type:http,url:https://a.b:8080/c?d=e,size:1Gi,name:web-root",
        "--volume-sysprep=src:answers", "--user=alice", f"--password-file={password}",
        "--ssh-key=ssh-ed25519 A,ssh-rsa B", "--access-cred=type:password,src:pw",
    )  # fmt: skip
    spec, instance = vm["spec"], vm["spec"]["template"]["spec"]
    assert spec["runStrategy"] == "Halted"
    assert spec["instancetype"] == {"kind": "virtualmachineinstancetype", "name": "small"}
    assert spec["preference"] == {"name": "fedora"}
    assert "memory" not in instance["domain"]
    assert instance["domain"]["devices"]["disks"] == [
        {"name": "web-containerdisk-0", "bootOrder": 2}, {"name": "d", "bootOrder": 1},
    ]  # fmt: skip
    assert [volume["name"] for volume in instance["volumes"]] == [
        "web-containerdisk-0", "d", "web-root", "sysprepdisk", "cloudinitdisk",
    ]  # fmt: skip
    assert instance["volumes"][0]["containerDisk"] == {"image": "reg:5000/img:1"}
    assert spec["dataVolumeTemplates"] == [{
        "metadata": {"name": "web-root"},
        "spec": {"source": {"http": {"url": "https://a.b:8080/c?d=e"}},
                 "storage": {"resources": {"requests": {"storage": "1Gi"}}}},
    }]  # fmt: skip
    assert instance["volumes"][-1]["cloudInitNoCloud"]["userData"] == (
        "#cloud-config\nuser: alice\npassword: secret\nchpasswd: { expire: False }\n"
        "ssh_authorized_keys:\n  - ssh-ed25519 A\n  - ssh-rsa B"
    )
    assert instance["accessCredentials"] == [{"userPassword": {
        "source": {"secret": {"secretName": "pw"}}, "propagationMethod": {"qemuGuestAgent": {}}}}]  # fmt: skip


def test_what_is_printed_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    vm = made(capsys, "vm", "--volume-containerdisk=src:img", "--user=a", "--ssh-key=k", "--memory=1Gi")
    assert validate_vm(codec.convert(vm, VirtualMachine), ClusterConfig()) == []


@pytest.mark.parametrize(
    ("arguments", "instancetype"),
    [
        pytest.param(["--volume-pvc=src:a"], {"inferFromVolume": "a", "inferFromVolumeFailurePolicy": "Ignore"},
                     id="tried by itself"),
        pytest.param(["--volume-pvc=src:a", "--volume-pvc=src:b,bootorder:1"],
                     {"inferFromVolume": "b", "inferFromVolumeFailurePolicy": "Ignore"}, id="the boot order counts"),
        pytest.param(["--volume-containerdisk=src:a"], None, id="not from a container disk"),
        pytest.param(["--volume-pvc=src:a", "--memory=1Gi"], None, id="memory says what is wanted"),
        pytest.param(["--volume-pvc=src:a", "--infer-instancetype=false"], None, id="switched off"),
        pytest.param(["--volume-pvc=src:a", "--infer-instancetype"], {"inferFromVolume": "a"}, id="asked for"),
        pytest.param(["--volume-pvc=src:a", "--infer-instancetype-from=a"], {"inferFromVolume": "a"}, id="by name"),
        pytest.param(["--volume-import=type:ds,src:ns/x,name:v"],
                     {"inferFromVolume": "v", "inferFromVolumeFailurePolicy": "Ignore"}, id="from a data source"),
    ],
)  # fmt: skip
def test_inference(capsys: pytest.CaptureFixture[str], arguments: list[str], instancetype: object) -> None:
    assert made(capsys, "vm", *arguments)["spec"].get("instancetype") == instancetype


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("type:blank,size:1Gi", {"source": {"blank": {}}}),
        ("type:gcs,size:1Gi,url:u,secretref:s", {"source": {"gcs": {"url": "u", "secretRef": "s"}}}),
        ("type:s3,size:1Gi,url:u,certconfigmap:c", {"source": {"s3": {"url": "u", "certConfigMap": "c"}}}),
        ("type:imageio,size:1Gi,url:u,diskid:d", {"source": {"imageio": {"url": "u", "diskId": "d"}}}),
        ("type:registry,size:1Gi,url:docker://x,pullmethod:node",
         {"source": {"registry": {"url": "docker://x", "pullMethod": "node"}}}),
        ("type:vddk,size:1Gi,url:u,uuid:i,thumbprint:t,secretref:s,backingfile:b",
         {"source": {"vddk": {"url": "u", "uuid": "i", "thumbprint": "t", "secretRef": "s", "backingFile": "b"}}}),
        ("type:pvc,src:ns/x", {"source": {"pvc": {"name": "x", "namespace": "ns"}}}),
        ("type:snapshot,src:ns/x", {"source": {"snapshot": {"name": "x", "namespace": "ns"}}}),
        ("type:ds,src:ns/x", {"sourceRef": {"kind": "DataSource", "name": "x", "namespace": "ns"}}),
        ("type:ds,src:x", {"sourceRef": {"kind": "DataSource", "name": "x"}}),
        ("type:http,size:1Gi,url:u,extraheaders:a;b", {"source": {"http": {"url": "u", "extraHeaders": ["a", "b"]}}}),
    ],
)  # fmt: skip
def test_imports(capsys: pytest.CaptureFixture[str], text: str, source: dict[str, object]) -> None:
    (template,) = made(capsys, "vm", f"--volume-import={text}")["spec"]["dataVolumeTemplates"]
    del template["spec"]["storage"]
    assert template["spec"] == source
    assert template["metadata"]["name"].startswith("imported-volume-")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run-strategy=x"], 'invalid run strategy "x", supported values are: Always, Manual, Halted, Once, '
         "RerunOnFailure"),
        (["--memory=1Gi", "--instancetype=x"], "if any flags in the group [memory instancetype infer-instancetype "
         "infer-instancetype-from] are set none of the others can be; [instancetype memory] were all set"),
        (["--cloud-init-user-data=eA==", "--user=a"], "[cloud-init-user-data user] were all set"),
        (["--instancetype=pod/x"], 'invalid instancetype kind "pod"'),
        (["--instancetype=a/b/c"], "invalid count 2 of slashes in prefix/name"),
        (["--instancetype=virtualmachineinstancetype/"], "name cannot be empty"),
        (["--volume-containerdisk="], 'failed to parse "--volume-containerdisk" flag: params may not be empty'),
        (["--volume-containerdisk=abc"], "params need to have at least one colon: abc"),
        (["--volume-containerdisk=src:a,foo:b"], "unknown param(s): foo:b"),
        (["--volume-containerdisk=name:a"], "src must be specified"),
        (["--volume-containerdisk=src:a,bootorder:x"], 'failed to parse param "bootorder"'),
        (["--volume-containerdisk=src:a,bootorder:0"], "bootorder must be greater than 0"),
        (["--volume-pvc=src:a,bootorder:1", "--volume-pvc=src:b,bootorder:1"],
         "bootorder 1 was specified multiple times\n"),
        (["--volume-pvc=src:a", "--volume-pvc=src:a"], 'there is already a volume with name "a"'),
        (["--volume-pvc=src:A"], 'invalid name "A": '),
        (["--volume-pvc=src:ns/a"], 'not allowed to specify namespace of pvc "a"'),
        (["--volume-import=type:x"], 'invalid volume import type "x", see help for supported values'),
        (["--volume-import=size:1Gi"], "type must be specified"),
        (["--volume-import=type:blank"], "size must be specified"),
        (["--volume-import=type:blank,size:1Gigi"], 'failed to parse param "size"'),
        (["--volume-import=type:http,size:1Gi"], "url is required with http volume source"),
        (["--volume-import=type:imageio,size:1Gi,url:u"],
         "url and diskid are both required with imageio volume source\n"),
        (["--volume-import=type:gcs,size:1Gi"], "url is required with gcs volume source\n"),
        (["--volume-import=type:s3,size:1Gi"], "url is required with s3 volume source\n"),
        (["--volume-import=type:registry,size:1Gi,url:u,pullmethod:x"], "pullmethod must be set to pod or node\n"),
        (["--volume-import=type:snapshot,src:x"], 'namespace of snapshot "x" must be specified\n'),
        (["--volume-import=type:pvc,src:a/b/c"], "src invalid: invalid count 2 of slashes in prefix/name\n"),
        (["--volume-sysprep=src:ns/x"], 'not allowed to specify namespace of configmap or secret "x"\n'),
        (["--access-cred=src:ns/s"], 'not allowed to specify namespace of secret "s"\n'),
        (["--volume-import=type:registry,size:1Gi"], "exactly one of url or imagestream must be defined"),
        (["--volume-import=type:vddk,size:1Gi,url:u"], "uuid is required with vddk volume source"),
        (["--volume-import=type:pvc,src:x"], 'namespace of pvc "x" must be specified'),
        (["--volume-sysprep=src:x,type:y"],
         'invalid sysprep source type "y", supported values are: configmap, secret\n'),
        (["--cloud-init=x"], 'invalid cloud-init data source type "x", supported values are: nocloud, '
         "configdrive, none\n"),
        (["--access-cred=src:s"], 'user must be specified with access credential ssh method ga ("--user" flag '
         'or param "user")\n'),
        (["--access-cred=src:s,method:nocloud,user:a"],
         "user cannot be specified with selected access credential type and method\n"),
        (["--access-cred=src:s,method:nocloud", "--cloud-init=configdrive"],
         "method param and value passed to --cloud-init have to match: nocloud vs configdrive\n"),
        (["--access-cred=src:s,type:x"], 'invalid access credential type "x", supported values are: ssh, password'),
        (["--access-cred=src:s,method:x"],
         'invalid access credentials ssh method "x", supported values are: ga, nocloud, configdrive\n'),
        (["--access-cred=src:s,type:password,method:x"], 'invalid access credentials password method "x", '
         "supported values are: ga\n"),
        (["--infer-instancetype"], "at least one volume is needed to infer an instance type or preference"),
        (["--volume-pvc=src:a", "--infer-preference-from=b"], 'there is no volume with name "b"'),
        (["--volume-containerdisk=src:a", "--infer-preference"],
         "inference of instancetype or preference works only with datasources, datavolumes or pvcs\n"),
        (["--volume-import=type:blank,size:1Gi", "--infer-preference"],
         "this datavolume is not valid to infer an instancetype or preference from (source needs to be PVC, Registry "
         "or Snapshot, sourceRef needs to be DataSource)\n"),
    ],
)  # fmt: skip
def test_refused_machines(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert run_command(["create", "vm", *arguments]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "warning"),
    [
        (["--cloud-init=none", "--user=a"], "WARNING: --cloud-init: was set to none, not creating a data source "
         "although other cloud-init options were set"),
        (["--user=a", f"--password-file={__file__}"],
         "WARNING: --password-file: The password is stored in cleartext in the VM definition!"),
        (["--volume-blank=size:1Gi"], "Flag --volume-blank has been deprecated, use flag --volume-import instead"),
        (["--volume-datasource=src:a"],
         "Flag --volume-datasource has been deprecated, use flag --volume-import instead"),
        (["--volume-clone-pvc=src:n/a"],
         "Flag --volume-clone-pvc has been deprecated, use flag --volume-import instead"),
    ],
)
def test_warnings(capsys: pytest.CaptureFixture[str], arguments: list[str], warning: str) -> None:
    assert run_command(["create", "vm", *arguments]) == 0
    assert warning in capsys.readouterr().err


def test_keys_by_agent_set_up_the_guest(capsys: pytest.CaptureFixture[str]) -> None:
    instance = made(capsys, "vm", "--access-cred=src:s", "--user=a")["spec"]["template"]["spec"]
    assert instance["accessCredentials"][0]["sshPublicKey"]["propagationMethod"] == {"qemuGuestAgent": {"users": ["a"]}}
    lines = instance["volumes"][0]["cloudInitNoCloud"]["userData"].splitlines()
    assert lines[-2:] == ["runcmd:", "  - [ setsebool, -P, 'virt_qemu_ga_manage_ssh', 'on' ]"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["instancetype", "--name=t", "--cpu=2", "--memory=1Gi"], {
            "apiVersion": "instancetype.kubevirt.io/v1beta1", "kind": "VirtualMachineClusterInstancetype",
            "metadata": {"name": "t"}, "spec": {"cpu": {"guest": 2}, "memory": {"guest": "1Gi"}}}),
        (["instancetype", "--name=t", "--cpu=2", "--memory=1Gi", "-n", "x", "--gpu=name:g,devicename:a.b/c",
          "--iothreadspolicy=auto"], {
            "apiVersion": "instancetype.kubevirt.io/v1beta1", "kind": "VirtualMachineInstancetype",
            "metadata": {"name": "t", "namespace": "x"},
            "spec": {"cpu": {"guest": 2}, "memory": {"guest": "1Gi"}, "ioThreadsPolicy": "auto",
                     "gpus": [{"name": "g", "deviceName": "a.b/c"}]}}),
        (["preference", "--name=p", "--namespaced", "--cpu-topology=cores", "--machine-type=q35",
          "--volume-storage-class=fast"], {
            "apiVersion": "instancetype.kubevirt.io/v1beta1", "kind": "VirtualMachinePreference",
            "metadata": {"name": "p"},
            "spec": {"cpu": {"preferredCPUTopology": "cores"}, "machine": {"preferredMachineType": "q35"},
                     "volumes": {"preferredStorageClassName": "fast"}}}),
        (["clone", "--name=c", "--source-name=a", "--source-type=vmsnapshot", "--label-filter=*",
          "--template-label-filter=!x", "--new-smbios-serial=s"], {
            "apiVersion": "clone.kubevirt.io/v1beta1", "kind": "VirtualMachineClone", "metadata": {"name": "c"},
            "spec": {"source": {"apiGroup": "snapshot.kubevirt.io", "kind": "VirtualMachineSnapshot", "name": "a"},
                     "target": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": ""},
                     "labelFilters": ["*"], "template": {"labelFilters": ["!x"]}, "newSMBiosSerial": "s"},
            "status": {}}),
    ],
)  # fmt: skip
def test_other_kinds(capsys: pytest.CaptureFixture[str], arguments: list[str], expected: object) -> None:
    assert made(capsys, *arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["instancetype", "--memory=1Gi"], 'required flag(s) "cpu" not set'),
        (["instancetype"], 'required flag(s) "cpu", "memory" not set'),
        (["instancetype", "--cpu=0", "--memory=1Gi"], "cpu value must be greater than zero"),
        (["instancetype", "--cpu=1", "--memory=1Gi", "--gpu=name:a"],
         'failed to parse "--gpu" flag: deviceName must be specified\n'),
        (["instancetype", "--cpu=1", "--memory=1Gi", "--hostdevice=devicename:a"],
         'failed to parse "--hostdevice" flag: name must be specified\n'),
        (["instancetype", "--cpu=1", "--memory=1Gi", "--iothreadspolicy=x"],
         "IOThread must be of value auto or shared\n"),
        (["preference", "--cpu-topology=x"], "CPU topology must have a value of sockets, cores, threads or spread"),
        (["clone", "--source-name=a", "--source-type=x"], "source type x is not supported. Supported types: vm, "
         "vmsnapshot"),
        (["clone", "--source-name=a", "--target-type=x"], "target type x is not supported. Supported types: vm"),
        (["clone", "--source-name=a", "--new-mac-address=x"], "newMacAddress parameter x is invalid: exactly one "
         "':' is expected. For example: 'interface0:address0'\n"),
    ],
)  # fmt: skip
def test_refused_others(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert run_command(["create", *arguments]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["create"], ["create", "pod"], ["adm"]])
def test_a_group_without_a_known_command_shows_its_usage(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run_command(arguments) == 0
    assert "Available Commands" in capsys.readouterr().out
