"""Which instance type and preference a volume names for its machine: the way from the volume to the labels."""

from __future__ import annotations

from typing import Any

import pytest
from instancetypes_cluster import Cluster, labels, machine, thing

from kubevirt.api import codec
from kubevirt.api.instancetypes.inference import NothingToInfer, infer
from kubevirt.api.instancetypes.lookups import Missing, answered
from kubevirt.api.vm import VirtualMachine
from kubevirt.kit.errors import Refused

BOTH = {"instancetype": {"inferFromVolume": "root"}, "preference": {"inferFromVolume": "root"}}
LABELS = labels("small", "linux")
BY_CLAIM: dict[str, Any] = {"name": "root", "persistentVolumeClaim": {"claimName": "data"}}
BY_DATA_VOLUME: dict[str, Any] = {"name": "root", "dataVolume": {"name": "dv"}}


def with_volume(volume: dict[str, Any], *templates: dict[str, Any], matchers: dict[str, Any] | None = None,
                domain: dict[str, Any] | None = None) -> VirtualMachine:
    spec = {**(matchers or BOTH), "dataVolumeTemplates": list(templates)}
    return machine(spec, {"domain": {"devices": {}, **(domain or {})}, "volumes": [volume]})


def filling(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "dv"}, "spec": spec}


CLAIM = thing("PersistentVolumeClaim", "data", labels=LABELS)
SOURCE_CLAIM = {"source": {"pvc": {"name": "image", "namespace": "images"}}}
SOURCE_SNAPSHOT = {"source": {"snapshot": {"name": "image", "namespace": "images"}}}
REF = {"sourceRef": {"kind": "DataSource", "name": "newest", "namespace": "images"}}
IMAGE = thing("PersistentVolumeClaim", "image", labels=LABELS, namespace="images")
SNAPSHOT = thing("VolumeSnapshot", "image", labels=LABELS, namespace="images")


def source(own: dict[str, str] | None = None, **of: Any) -> dict[str, Any]:
    return thing("DataSource", "newest", {"source": of}, labels=own, namespace="images")


NAMED = {"name": "image", "namespace": "images"}


@pytest.mark.parametrize(("vm", "cluster"), [
    pytest.param(with_volume(BY_CLAIM), [CLAIM], id="a claim"),
    pytest.param(with_volume(BY_DATA_VOLUME), [thing("DataVolume", "dv", {}, labels=LABELS)], id="a data volume"),
    pytest.param(with_volume(BY_DATA_VOLUME), [thing("PersistentVolumeClaim", "dv", labels=LABELS)],
                 id="a data volume that is gone, by its claim"),
    pytest.param(with_volume(BY_DATA_VOLUME), [thing("DataVolume", "dv", SOURCE_CLAIM), IMAGE],
                 id="the claim that a data volume copies"),
    pytest.param(with_volume(BY_DATA_VOLUME), [thing("DataVolume", "dv", SOURCE_SNAPSHOT), SNAPSHOT],
                 id="the snapshot that a data volume copies"),
    pytest.param(with_volume(BY_DATA_VOLUME, filling(**SOURCE_CLAIM)), [IMAGE], id="a template's claim"),
    pytest.param(with_volume(BY_DATA_VOLUME, filling(**REF)), [source(LABELS)], id="a template's data source"),
    pytest.param(with_volume(BY_DATA_VOLUME, filling(**REF)), [source(pvc=NAMED), IMAGE],
                 id="the claim behind a data source"),
    pytest.param(with_volume(BY_DATA_VOLUME, filling(**REF)), [source(snapshot=NAMED), SNAPSHOT],
                 id="the snapshot behind a data source"),
    pytest.param(with_volume(BY_DATA_VOLUME, filling(sourceRef={"kind": "DataSource", "name": "here"})),
                 [thing("DataSource", "here", {"source": {}}, labels=LABELS)], id="a data source beside the machine"),
])
def test_labels_are_found_on_the_way(vm: VirtualMachine, cluster: list[dict[str, Any]]) -> None:
    answered(infer(vm), Cluster(*cluster).look)
    assert codec.to_json(vm.spec.instancetype) == {"name": "small"}
    assert codec.to_json(vm.spec.preference) == {"name": "linux"}


def test_labels_may_name_the_kinds() -> None:
    vm = with_volume(BY_CLAIM)
    cluster = Cluster(thing("PersistentVolumeClaim", "data", labels=labels("small", "linux", "VirtualMachine")))
    answered(infer(vm), cluster.look)
    assert codec.to_json(vm.spec.instancetype) == {"name": "small", "kind": "VirtualMachineInstancetype"}
    assert codec.to_json(vm.spec.preference) == {"name": "linux", "kind": "VirtualMachinePreference"}


UNLABELLED = [
    pytest.param(BY_CLAIM, [], [thing("PersistentVolumeClaim", "data")],
                 "unable to find required instancetype.kubevirt.io/default-instancetype label on the volume",
                 id="a claim without labels"),
    pytest.param({"name": "root", "emptyDisk": {"capacity": "1Gi"}}, [], [],
                 "unable to infer defaults from volume root as type is not supported", id="another kind of volume"),
    pytest.param(BY_DATA_VOLUME, [filling(source={"blank": {}})], [],
                 "unable to infer defaults from DataVolumeSpec as DataVolumeSource is not supported",
                 id="an empty data volume"),
    pytest.param(BY_DATA_VOLUME, [filling(sourceRef={"kind": "Other", "name": "x"})], [],
                 "unable to infer defaults from DataVolumeSourceRef as Kind Other is not supported",
                 id="another kind of reference"),
    pytest.param(BY_DATA_VOLUME, [filling(**REF)], [source()],
                 "unable to infer defaults from DataSource that doesn't provide DataVolumeSourcePVC",
                 id="an empty data source"),
]


@pytest.mark.parametrize(("volume", "templates", "cluster", "message"), UNLABELLED)
def test_nothing_to_infer_is_refused_unless_ignored(
    volume: dict[str, Any], templates: list[dict[str, Any]], cluster: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(NothingToInfer) as refused:
        answered(infer(with_volume(volume, *templates)), Cluster(*cluster).look)
    assert refused.value.cause == message
    lenient = {name: {**matcher, "inferFromVolumeFailurePolicy": "Ignore"} for name, matcher in BOTH.items()}
    vm = with_volume(volume, *templates, matchers=lenient, domain={"memory": {"guest": "64Mi"}})
    answered(infer(vm), Cluster(*cluster).look)
    assert (vm.spec.instancetype, vm.spec.preference) == (None, None)
    assert vm.spec.template.spec.domain.memory is not None


@pytest.mark.parametrize(("vm", "error", "message"), [
    pytest.param(with_volume(BY_CLAIM), Missing, 'persistentvolumeclaims "data" not found', id="no such claim"),
    pytest.param(with_volume(BY_DATA_VOLUME, filling(**REF)), Missing, 'datasources.cdi.kubevirt.io "newest" not found',
                 id="no such data source"),
    pytest.param(with_volume({"name": "other", "emptyDisk": {"capacity": "1Gi"}}), Refused,
                 "unable to find volume root to infer defaults", id="no such volume"),
])
def test_what_is_missing_is_refused_whatever_the_policy(vm: VirtualMachine, error: type[Refused], message: str) -> None:
    for matcher in (vm.spec.instancetype, vm.spec.preference):
        assert matcher is not None
        matcher.infer_from_volume_failure_policy = "Ignore"
    with pytest.raises(error) as refused:
        answered(infer(vm), Cluster().look)
    assert refused.value.cause == message


def test_memory_that_was_written_for_failure_gives_way() -> None:
    lenient = {"instancetype": {"inferFromVolume": "root", "inferFromVolumeFailurePolicy": "Ignore"}}
    vm = with_volume(BY_CLAIM, matchers=lenient, domain={"memory": {"guest": "64Mi"}})
    answered(infer(vm), Cluster(CLAIM).look)
    assert vm.spec.template.spec.domain.memory is None
    assert codec.to_json(vm.spec.instancetype) == {"name": "small"}
