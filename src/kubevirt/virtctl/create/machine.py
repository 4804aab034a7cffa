"""`virtctl create vm`: from flags to a VirtualMachine. Pure, except for the password file and random names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kubevirt.api.validation.kubernetes_names import dns_label_faults
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kit.quantity import Quantity
from kubevirt.virtctl.create import cloud_init
from kubevirt.virtctl.create.imports import parse_import
from kubevirt.virtctl.create.params import Params, random_name, split_prefix
from kubevirt.virtctl.errors import CommandError

RUN_STRATEGIES = ("Always", "Manual", "Halted", "Once", "RerunOnFailure")
INSTANCETYPE_KINDS = ("virtualmachineinstancetype", "virtualmachineclusterinstancetype")
PREFERENCE_KINDS = ("virtualmachinepreference", "virtualmachineclusterpreference")
NO_VOLUME = "at least one volume is needed to infer an instance type or preference"
NOT_INFERABLE = "inference of instancetype or preference works only with datasources, datavolumes or pvcs"
NOT_INFERABLE_DATA_VOLUME = (
    "this datavolume is not valid to infer an instancetype or preference from "
    "(source needs to be PVC, Registry or Snapshot, sourceRef needs to be DataSource)"
)


@dataclass(frozen=True, kw_only=True)
class MachineFlags:
    """The flags as they were given; None where it matters that one was not."""

    name: str = ""
    namespace: str = ""
    run_strategy: str = "Always"
    termination_grace_period: int = 180
    memory: str | None = None
    instancetype: str = ""
    infer_instancetype: bool | None = None
    infer_instancetype_from: str = ""
    preference: str = ""
    infer_preference: bool | None = None
    infer_preference_from: str = ""
    containerdisks: Sequence[str] = ()
    claims: Sequence[str] = ()
    imports: Sequence[str] = ()
    sysprep: str = ""
    user: str = ""
    password: str = ""
    ssh_keys: Sequence[str] = ()
    ga_manage_ssh: bool | None = None
    access: Sequence[str] = ()
    cloud_init: str | None = None
    cloud_init_user_data: str = ""
    cloud_init_network_data: str = ""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A volume on its way into the machine; `refusal` says why nothing can be inferred from it, if so."""

    entry: JsonObject
    boot_order: int | None = None
    refusal: str = NOT_INFERABLE
    template: JsonObject | None = None

    @property
    def name(self) -> str:
        """The volume's name."""
        return str(self.entry["name"])


@dataclass(kw_only=True)
class Made:
    """The machine, and what the user should be warned about."""

    vm: JsonObject
    warnings: list[str] = field(default_factory=list)


def make_machine(flags: MachineFlags) -> Made:
    """Raises CommandError for flags that make no sense."""
    name = flags.name or random_name("vm")
    strategy = next((each for each in RUN_STRATEGIES if each.lower() == flags.run_strategy.lower()), None)
    if strategy is None:
        raise CommandError(
            f'failed to parse "--run-strategy" flag: invalid run strategy "{flags.run_strategy}", '
            f"supported values are: {', '.join(RUN_STRATEGIES)}"
        )
    volumes = [
        *(_container_disk(text, f"{name}-containerdisk-{n}") for n, text in enumerate(flags.containerdisks)),
        *(_claim(text) for text in flags.claims),
        *(_import(text) for text in flags.imports),
        *([_sysprep(flags.sysprep)] if flags.sysprep else []),
    ]
    _check_volumes(volumes)
    access = cloud_init.parse_access(flags.access, user=flags.user, cloud_init=flags.cloud_init)
    warnings: list[str] = []
    if (data := _cloud_init(flags, access, warnings)) is not None:
        volumes.append(Volume(entry=data))
    spec, instance = _with_matchers(flags, volumes)
    spec["runStrategy"] = strategy
    instance["terminationGracePeriodSeconds"] = flags.termination_grace_period
    if volumes:
        instance["volumes"] = [volume.entry for volume in volumes]
    if access.credentials:
        instance["accessCredentials"] = list(access.credentials)
    if templates := [volume.template for volume in volumes if volume.template is not None]:
        spec["dataVolumeTemplates"] = list(templates)
    spec["template"] = {"metadata": {}, "spec": instance}
    metadata: JsonObject = {"name": name}
    if flags.namespace:
        metadata["namespace"] = flags.namespace
    vm: JsonObject = {
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": metadata, "spec": spec, "status": {},
    }  # fmt: skip
    return Made(vm=vm, warnings=warnings)


def _boot_order(params: Params) -> int | None:
    order = params.number("bootorder")
    if order == 0:
        raise params.problem("bootorder must be greater than 0")
    return order


def _container_disk(text: str, default_name: str) -> Volume:
    params = Params("volume-containerdisk", text)
    image, name, order = params.needed("src"), params.text("name") or default_name, _boot_order(params)
    params.finish()
    return Volume(entry={"name": name, "containerDisk": {"image": image}}, boot_order=order)


def _claim(text: str) -> Volume:
    params = Params("volume-pvc", text)
    namespace, claim = split_prefix("volume-pvc", params.needed("src"))
    if namespace:
        raise params.problem(f'not allowed to specify namespace of pvc "{claim}"')
    name, order = params.text("name") or claim, _boot_order(params)
    params.finish()
    return Volume(entry={"name": name, "persistentVolumeClaim": {"claimName": claim}}, boot_order=order, refusal="")


def _import(text: str) -> Volume:
    made = parse_import(text)
    return Volume(
        entry={"name": made.name, "dataVolume": {"name": made.name}},
        boot_order=made.boot_order,
        refusal="" if made.is_inferable else NOT_INFERABLE_DATA_VOLUME,
        template=made.template,
    )


def _sysprep(text: str) -> Volume:
    params = Params("volume-sysprep", text)
    namespace, name = split_prefix("volume-sysprep", params.needed("src"))
    if namespace:
        raise params.problem(f'not allowed to specify namespace of configmap or secret "{name}"')
    type_ = params.text("type") or "configmap"
    params.finish()
    reference: JsonObject = {"name": name}
    match type_.lower():
        case "configmap":
            return Volume(entry={"name": "sysprepdisk", "sysprep": {"configMap": reference}})
        case "secret":
            return Volume(entry={"name": "sysprepdisk", "sysprep": {"secret": reference}})
    raise params.problem(f'invalid sysprep source type "{type_}", supported values are: configmap, secret')


def _check_volumes(volumes: Sequence[Volume]) -> None:
    names: set[str] = set()
    orders: set[int] = set()
    for volume in volumes:
        if faults := dns_label_faults(volume.name):
            raise CommandError(f'invalid name "{volume.name}": {", ".join(faults)}')
        if volume.name in names:
            raise CommandError(f'there is already a volume with name "{volume.name}"')
        if volume.boot_order in orders:
            raise CommandError(f"bootorder {volume.boot_order} was specified multiple times")
        names.add(volume.name)
        if volume.boot_order is not None:
            orders.add(volume.boot_order)


def _cloud_init(flags: MachineFlags, access: cloud_init.Access, warnings: list[str]) -> JsonObject | None:
    given = flags.cloud_init is not None
    source = access.cloud_init or cloud_init.source_of(flags.cloud_init or cloud_init.NO_CLOUD)
    manages = access.agent_manages_keys if flags.ga_manage_ssh is None else flags.ga_manage_ssh
    login = cloud_init.Login(
        user=flags.user, password=flags.password, keys=flags.ssh_keys, agent_manages_keys=manages
    )
    user_data = login.user_data()
    has_content = user_data != cloud_init.HEADER or bool(flags.cloud_init_user_data or flags.cloud_init_network_data)
    if flags.password:
        warnings.append("WARNING: --password-file: The password is stored in cleartext in the VM definition!\n")
    if source == cloud_init.NONE:
        if has_content:
            warnings.append(
                "WARNING: --cloud-init: was set to none, not creating a data source although other cloud-init options "
                "were set"
            )
        return None
    if not has_content and not given and not access.cloud_init:
        return None
    data: JsonObject = {}
    if flags.cloud_init_user_data:
        data["userDataBase64"] = flags.cloud_init_user_data
    else:
        data["userData"] = user_data
    if flags.cloud_init_network_data:
        data["networkDataBase64"] = flags.cloud_init_network_data
    return cloud_init.volume(source, data)


def _with_matchers(flags: MachineFlags, volumes: Sequence[Volume]) -> tuple[JsonObject, JsonObject]:
    """The VM's spec with its matchers, and the instance's with its memory and disks."""
    spec: JsonObject = {}
    instancetype = _matcher(
        "instancetype", INSTANCETYPE_KINDS, flags.instancetype, flags.infer_instancetype,
        flags.infer_instancetype_from, volumes, skip_implicit=flags.memory is not None,
    )  # fmt: skip
    preference = _matcher(
        "preference", PREFERENCE_KINDS, flags.preference, flags.infer_preference, flags.infer_preference_from, volumes,
        skip_implicit=False,
    )  # fmt: skip
    domain: JsonObject = {"devices": {}, "resources": {}}
    if instancetype is not None:
        spec["instancetype"] = instancetype
    if instancetype is None or "inferFromVolumeFailurePolicy" in instancetype:
        domain["memory"] = {"guest": _memory(flags.memory or "512Mi")}
    if preference is not None:
        spec["preference"] = preference
    disks: list[Json] = [
        {"name": volume.name, "bootOrder": volume.boot_order} for volume in volumes if volume.boot_order is not None
    ]
    if disks:
        domain["devices"] = {"disks": disks}
    return spec, {"domain": domain}


def _memory(text: str) -> str:
    try:
        return str(Quantity(text))
    except Refused as e:
        raise CommandError(f'failed to parse "--memory" flag: {e}') from e


def _matcher(
    what: str, kinds: tuple[str, str], name: str, infer: bool | None, infer_from: str, volumes: Sequence[Volume], *,
    skip_implicit: bool,
) -> JsonObject | None:
    if name:
        kind, plain = split_prefix(what, name)
        if kind and kind not in kinds:
            raise CommandError(
                f'failed to parse "--{what}" flag: invalid {what} kind "{kind}", supported values are: '
                f"{', '.join(kinds)}"
            )
        return {"kind": kind, "name": plain} if kind else {"name": plain}
    if infer_from:
        return {"inferFromVolume": _source_volume(what, volumes, infer_from).name}
    if infer:
        return {"inferFromVolume": _source_volume(what, volumes, "").name}
    if infer is False or skip_implicit:
        return None
    source = _first(volumes)
    if source is None or source.refusal:
        return None
    return {"inferFromVolume": source.name, "inferFromVolumeFailurePolicy": "Ignore"}


def _first(volumes: Sequence[Volume]) -> Volume | None:
    """What the machine boots from: the lowest boot order, else the first volume."""
    ordered = [volume for volume in volumes if volume.boot_order is not None]
    if ordered:
        return min(ordered, key=lambda volume: volume.boot_order or 0)
    return volumes[0] if volumes else None


def _source_volume(what: str, volumes: Sequence[Volume], name: str) -> Volume:
    flag = f"infer-{what}-from" if name else f"infer-{what}"
    frame = f'failed to parse "--{flag}" flag: '
    found = next((volume for volume in volumes if volume.name == name), None) if name else _first(volumes)
    if found is None:
        raise CommandError(frame + (f'there is no volume with name "{name}"' if name and volumes else NO_VOLUME))
    if found.refusal:
        raise CommandError(frame + found.refusal)
    return found
