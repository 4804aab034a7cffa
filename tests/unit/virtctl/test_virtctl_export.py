"""vmexport, memory-dump and guestfs: flags that do not go together, links, sizes, the pod. Requests run elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner

from kubevirt.kit.json import JsonObject, dig
from kubevirt.kit.quantity import Quantity
from kubevirt.virtctl.claims import dump_size, overhead_of
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.export import links
from kubevirt.virtctl.export.order import Order, check, export_of, token_secret
from kubevirt.virtctl.guestfs_pod import Wanted, image_of, is_block, pod_of, users_of_claim
from kubevirt.virtctl.table import CommandTable


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("vmexport", "accepts 2 arg(s), received 0"),
        ("vmexport make x", "invalid function 'make'"),
        ("vmexport create x", "need to specify export kind when attempting to create a VirtualMachineExport "
         "[--pvc|--vm|--snapshot|--vmtemplate]"),
        ("vmexport create x --vm v --output f", "the '--output' flag is incompatible with 'create'"),
        ("vmexport create x --vm v --port-forward", "the '--port-forward' flag is incompatible with 'create'"),
        ("vmexport delete x --vm v", "should not specify export kind"),
        ("vmexport delete x --insecure", "the '--insecure' flag is incompatible with 'delete'"),
        ("vmexport download x", "warning: Binary output can mess up your terminal. Use '--output -' to output into "
         "stdout anyway or consider '--output <FILE>' to save to a file"),
        ("vmexport download x --output f --format zip", "zip is not a valid value, acceptable values are gzip/raw/oci"),
        ("vmexport download x --manifest --manifest-output-format xml",
         "xml is not a valid value, acceptable values are json/yaml"),
        ("vmexport download x --output f --local-port 70000",
         "70000 is not a valid value, acceptable values are valid port numbers"),
        ("vmexport download x --output f --retry=-1",
         "-1 is not a valid value, acceptable values are positive integers"),
        ("vmexport download x --output f --pvc p --format oci",
         'OCI export is not supported for "PersistentVolumeClaim" sources'),
        ("vmexport download x --vm v --pvc p --output f",
         "if any flags in the group [vm snapshot pvc vmtemplate] are set none of the others can be; "
         "[pvc vm] were all set"),
        ("vmexport download x --output f --keep-vme --delete-vme",
         "if any flags in the group [keep-vme delete-vme] are set none of the others can be; "
         "[delete-vme keep-vme] were all set"),
        ("memory-dump get", "accepts 2 arg(s), received 1"),
        ("memory-dump take x", "invalid action type take"),
        ("memory-dump get x --create-claim", "missing claim name"),
        ("memory-dump download x", "missing outputFile to download the memory dump"),
        ("guestfs p --pull-policy Often", "Invalid pull policy: Often"),
        ("guestfs p --root --uid 1", "cannot set uid if root is true"),
        ("guestfs p --root --gid 1", "cannot set gid id with root"),
        ("guestfs p --gid 1", "gid requires the uid to be set"),
        ("guestfs p --root --fsGroup 1", "cannot set fsGroup id with root"),
    ],
)  # fmt: skip
def test_refused_before_any_request(arguments: str, message: str) -> None:
    result = CliRunner().invoke(CommandTable(), arguments.split(), standalone_mode=False)
    assert isinstance(result.exception, CommandError), result.output
    assert result.exception.message == message


ORDER = Order(name="x", output="f")


def export(*formats: str, volumes: tuple[str, ...] = ("disk",)) -> JsonObject:
    offered = [{"format": each, "url": f"https://proxy/{each}"} for each in formats]
    listed = [{"name": name, "formats": offered} for name in volumes]
    manifests = [{"type": "all", "url": "https://proxy/all"}]
    # JSON as far as mypy knows: test data.
    external: JsonObject = {"cert": "PEM", "volumes": listed, "manifests": manifests}  # type: ignore[dict-item]
    return {"status": {"phase": "Ready", "links": {"external": external}}}


@pytest.mark.parametrize(
    ("found", "order", "url", "packed"),
    [
        (export("raw", "gzip"), ORDER, "https://proxy/gzip", True),
        (export("dir", "tar.gz"), ORDER, "https://proxy/tar.gz", True),
        (export("raw"), ORDER, "https://proxy/raw", False),
        (export("gzip", volumes=("a", "b")), Order(name="x", volume="b"), "https://proxy/gzip", True),
        (export("gzip", "oci"), Order(name="x", format="oci"), "https://proxy/oci", False),
    ],
)
def test_the_link(found: JsonObject, order: Order, url: str, packed: bool) -> None:
    assert links.volume_link(found, order, "ns") == links.Link(url=url, certificate="PEM", packed=packed)


@pytest.mark.parametrize(
    ("choose", "found", "order", "message"),
    [
        (links.volume_link, {}, ORDER, "unable to access the volume info from 'ns/x' VirtualMachineExport"),
        (links.volume_link, export("raw", volumes=("a", "b")), ORDER,
         "detected more than one downloadable volume in 'ns/x' VirtualMachineExport: Select the expected volume using "
         "the --volume flag"),
        (links.volume_link, export("dir"), ORDER, "unable to get a valid URL from 'ns/x' VirtualMachineExport"),
        (links.volume_link, export("raw"), Order(name="x", volume="z"),
         "unable to get a valid URL from 'ns/x' VirtualMachineExport"),
        (links.volume_link, export("raw"), Order(name="x", format="oci"), "OCI export format not available for 'ns/x'"),
        (links.manifest_links, export("raw"), Order(name="x", include_secret=True),
         "unable to access the manifest info from 'ns/x' VirtualMachineExport"),
    ],
)  # fmt: skip
def test_no_link(choose: Callable[..., object], found: JsonObject, order: Order, message: str) -> None:
    with pytest.raises(CommandError) as refused:
        choose(found, order, "ns")
    assert refused.value.message == message


def test_a_forwarded_port_takes_the_place_of_the_host() -> None:
    found = export("raw")
    found["status"]["links"]["internal"] = dig(found, "status", "links", "external")  # type: ignore[call-overload, index]
    order = Order(name="x", service_url="127.0.0.1:4444")
    assert links.volume_link(found, order, "ns").url == "https://127.0.0.1:4444/raw"


def test_raw_is_unpacked_only_where_it_comes_packed() -> None:
    raw = Order(name="x", format="raw")
    assert links.unpacks(links.Link(url="", packed=True), raw)
    assert not links.unpacks(links.Link(url="", packed=False), raw)
    assert not links.unpacks(links.Link(url="", packed=True), ORDER)


def test_what_is_created() -> None:
    order = Order(name="x", kind="pvc", source="p", ttl="1h", labels={"a": "b"})
    check("create", {"pvc", "ttl", "labels"}, order)
    assert export_of(order)["spec"] == {
        "source": {"apiGroup": "", "kind": "PersistentVolumeClaim", "name": "p"},
        "tokenSecretRef": "secret-x", "ttlDuration": "1h",
    }  # fmt: skip
    secret = token_secret(order, {"metadata": {"uid": "u"}})
    token = dig(secret, "stringData", "token")
    assert isinstance(token, str) and len(token) == 20 and token.isalnum()
    assert dig(secret, "metadata", "ownerReferences", 0, "blockOwnerDeletion") is False


def test_a_claim_for_a_dump_holds_the_memory_and_what_the_file_system_takes() -> None:
    assert dump_size(Quantity("1Gi"), 0.055) == 1186 * 1024 * 1024
    config: JsonObject = {"status": {"filesystemOverhead": {"global": "0.06", "storageClass": {"fast": "0.1"}}}}
    assert overhead_of(None, "fast") == 0.055
    assert overhead_of(config, "") == 0.06
    assert overhead_of(config, "fast") == 0.1


def test_the_pod_of_guestfs() -> None:
    pod = pod_of(Wanted(claim="c", uid="107", fs_group="107"), "image", block=False)
    assert dig(pod, "metadata", "name") == "libguestfs-tools-c"
    assert dig(pod, "spec", "containers", 0, "workingDir") == "/disk"
    assert dig(pod, "spec", "containers", 0, "resources", "limits") == {"devices.kubevirt.io/kvm": "1"}
    assert dig(pod, "spec", "securityContext") == {
        "seccompProfile": {"type": "RuntimeDefault"}, "runAsNonRoot": True, "runAsUser": 107, "fsGroup": 107,
    }  # fmt: skip
    template: JsonObject = {"metadata": {"labels": {"a": "b"}}, "spec": {"nodeSelector": {"n": "m"}}}
    block = pod_of(Wanted(claim="c", root=True, kvm=False), "image", block=True, placed_as=template)
    assert dig(block, "spec", "containers", 0, "volumeDevices", 0, "devicePath") == "/dev/vda"
    assert dig(block, "spec", "containers", 0, "resources") is None
    assert (dig(block, "spec", "nodeSelector"), dig(block, "metadata", "labels")) == ({"n": "m"}, {"a": "b"})
    assert dig(block, "spec", "securityContext", "runAsUser") == 0


def test_facts_of_guestfs() -> None:
    assert image_of({"gsImage": "a/b:c"}) == "a/b:c"
    assert image_of({"registry": "r", "imagePrefix": "p-", "tag": "t"}) == "r/p-libguestfs-tools:t"
    assert image_of({"digest": "sha256:1", "tag": "t"}) == "libguestfs-tools@sha256:1"
    with pytest.raises(CommandError, match="Neither the digest nor the tag for the image has been specified"):
        image_of({"registry": "r"})
    assert is_block({"spec": {"volumeMode": "Block"}}) and not is_block({"spec": {}})
    volumes: JsonObject = {"volumes": [{"persistentVolumeClaim": {"claimName": "c"}}]}
    running: JsonObject = {"metadata": {"name": "p"}, "spec": volumes, "status": {"phase": "Running"}}
    assert users_of_claim([running, {**running, "status": {"phase": "Failed"}}], "c") == ["p"]
