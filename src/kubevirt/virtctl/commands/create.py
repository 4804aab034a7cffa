"""`virtctl create`: manifests on standard output, made from flags; nothing is asked of a cluster or sent to one."""

from __future__ import annotations

from pathlib import Path

import click

from kubevirt.kit.json import JsonObject
from kubevirt.virtctl.errors import CommandError, exclude
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.table import LazyGroup

create = LazyGroup(
    "create",
    {
        "clone": ("create", "clone", "Print the manifest of a clone"),
        "instancetype": ("create", "instancetype", "Print the manifest of an instance type"),
        "preference": ("create", "preference", "Print the manifest of a preference"),
        "vm": ("create", "vm", "Print the manifest of a virtual machine"),
    },
    "Print manifests, to be looked at, kept, or given to kubectl.",
)
EXCLUSIVE = (
    ("memory", "instancetype", "infer-instancetype", "infer-instancetype-from"),
    ("preference", "infer-preference", "infer-preference-from"),
    ("cloud-init-user-data", "user"),
    ("cloud-init-user-data", "password-file"),
    ("cloud-init-user-data", "ssh-key"),
    ("cloud-init-user-data", "ga-manage-ssh"),
)
DEPRECATED = {"volume-datasource": "ds", "volume-clone-pvc": "pvc", "volume-blank": "blank"}


def _repeatable(name: str, metavar: str, help_text: str, *, hidden: bool = False) -> click.Option:
    return click.Option([f"--{name}"], multiple=True, metavar=metavar, help=help_text, hidden=hidden)


def _text(name: str, help_text: str, default: str | None = "", metavar: str | None = None) -> click.Option:
    return click.Option([f"--{name}"], default=default, help=help_text, metavar=metavar)


def _switch(name: str, help_text: str) -> click.Option:
    return click.Option([f"--{name}/--no-{name}"], default=None, help=help_text)


VM_OPTIONS: list[click.Parameter] = [
    _text("name", "Name of the machine; random when absent"),
    _text("run-strategy", "Always, Manual, Halted, Once or RerunOnFailure", "Always"),
    click.Option(["--termination-grace-period"], type=int, default=180, help="Seconds for the guest to shut down"),
    _text("memory", "Memory of the guest; default 512Mi", None),
    _text("instancetype", "Instance type", metavar="[KIND/]NAME"),
    _switch("infer-instancetype", "Take the instance type from the volume that the machine boots from"),
    _text("infer-instancetype-from", "Volume to take the instance type from", metavar="VOLUME"),
    _text("preference", "Preference", metavar="[KIND/]NAME"),
    _switch("infer-preference", "Take the preference from the volume that the machine boots from"),
    _text("infer-preference-from", "Volume to take the preference from", metavar="VOLUME"),
    _repeatable("volume-containerdisk", "name:N,src:IMAGE,bootorder:B", "Disk from a container image"),
    _repeatable("volume-datasource", "PARAMS", "Deprecated", hidden=True),
    _repeatable("volume-clone-pvc", "PARAMS", "Deprecated", hidden=True),
    _repeatable("volume-pvc", "name:N,src:CLAIM,bootorder:B", "Disk from a claim"),
    _repeatable("volume-blank", "PARAMS", "Deprecated", hidden=True),
    _repeatable("volume-import", "type:T,...", "Disk filled from elsewhere: blank, http, gcs, s3, imageio, registry, "
                "vddk, pvc, snapshot or ds"),
    _text("volume-sysprep", "Answers for Windows", metavar="src:NAME,type:configmap|secret"),
    _text("user", "User of the guest"),
    _text("password-file", "File with the user's password", metavar="PATH"),
    _repeatable("ssh-key", "KEYS", "Public keys that may log in, with commas between them"),
    _switch("ga-manage-ssh", "Let the guest agent manage keys (SELinux)"),
    _repeatable("access-cred", "type:T,src:SECRET,method:M,user:U", "Credentials kept in a secret"),
    _text("cloud-init", "nocloud, configdrive or none", None),
    _text("cloud-init-user-data", "Whole user data, base64"),
    _text("cloud-init-network-data", "Whole network data, base64"),
]  # fmt: skip


@command("vm", help="Print the manifest of a virtual machine.", params=VM_OPTIONS)
@click.pass_context
def vm(ctx: click.Context, /, **given: object) -> None:
    """Print a VirtualMachine."""
    from kubevirt.virtctl.create.machine import MachineFlags, make_machine

    exclude(ctx, *EXCLUSIVE)
    options = _Options(given)
    imports = list(options.texts("volume_import"))
    for flag, type_ in DEPRECATED.items():
        texts = options.texts(flag.replace("-", "_"))
        if texts:
            click.echo(f"Flag --{flag} has been deprecated, use flag --volume-import instead", err=True)
        imports = [f"type:{type_},{text}" for text in texts] + imports
    made = make_machine(
        MachineFlags(
            name=options.text("name"),
            namespace=_namespace(ctx),
            run_strategy=options.text("run_strategy"),
            termination_grace_period=int(options.text("termination_grace_period")),
            memory=options.text("memory") or None,
            instancetype=options.text("instancetype"),
            infer_instancetype=options.switch("infer_instancetype"),
            infer_instancetype_from=options.text("infer_instancetype_from"),
            preference=options.text("preference"),
            infer_preference=options.switch("infer_preference"),
            infer_preference_from=options.text("infer_preference_from"),
            containerdisks=options.texts("volume_containerdisk"),
            claims=options.texts("volume_pvc"),
            imports=imports,
            sysprep=options.text("volume_sysprep"),
            user=options.text("user"),
            password=_password(options.text("password_file")),
            ssh_keys=[key for text in options.texts("ssh_key") for key in text.split(",") if key],
            ga_manage_ssh=options.switch("ga_manage_ssh"),
            access=options.texts("access_cred"),
            cloud_init=options.text("cloud_init") or None,
            cloud_init_user_data=options.text("cloud_init_user_data"),
            cloud_init_network_data=options.text("cloud_init_network_data"),
        )
    )
    for warning in made.warnings:
        click.echo(warning, err=True, nl=False)
    _print(made.vm)


@command("instancetype", help="Print the manifest of an instance type.")
@click.option("--cpu", type=int, required=True, help="Virtual processors")
@click.option("--memory", required=True, help="Memory of the guest")
@click.option("--name", default="", help="Name; random when absent")
@click.option("--namespaced", is_flag=True, help="Of a namespace, not of the cluster")
@click.option("--gpu", multiple=True, metavar="name:N,devicename:D", help="A GPU")
@click.option("--hostdevice", multiple=True, metavar="name:N,devicename:D", help="Another device of the host")
@click.option("--iothreadspolicy", default="", help="auto or shared")
@click.pass_context
def instancetype(ctx: click.Context, cpu: int, memory: str, name: str, namespaced: bool, gpu: tuple[str, ...],
                 hostdevice: tuple[str, ...], iothreadspolicy: str) -> None:
    """Print an instance type."""
    from kubevirt.virtctl.create.others import make_instancetype

    _print(make_instancetype(name=name, namespace=_namespace(ctx), namespaced=namespaced, cpu=cpu, memory=memory,
                             gpus=gpu, host_devices=hostdevice, iothreads_policy=iothreadspolicy))


@command("preference", help="Print the manifest of a preference.")
@click.option("--name", default="", help="Name; random when absent")
@click.option("--namespaced", is_flag=True, help="Of a namespace, not of the cluster")
@click.option("--cpu-topology", default="", help="sockets, cores, threads or spread")
@click.option("--machine-type", default="", help="Machine type, for example q35")
@click.option("--volume-storage-class", default="", help="Storage class of new volumes")
@click.pass_context
def preference(ctx: click.Context, name: str, namespaced: bool, cpu_topology: str, machine_type: str,
               volume_storage_class: str) -> None:
    """Print a preference."""
    from kubevirt.virtctl.create.others import make_preference

    _print(make_preference(name=name, namespace=_namespace(ctx), namespaced=namespaced, cpu_topology=cpu_topology,
                           machine_type=machine_type, storage_class=volume_storage_class))


@command("clone", help="Print the manifest of a clone.")
@click.option("--source-name", required=True, help="What to clone")
@click.option("--name", default="", help="Name of the clone object; random when absent")
@click.option("--target-name", default="", help="Name of the new machine; random when absent")
@click.option("--source-type", default="vm", help="vm or snapshot")
@click.option("--target-type", default="vm", help="vm")
@click.option("--label-filter", multiple=True, help="Labels to keep")
@click.option("--annotation-filter", multiple=True, help="Annotations to keep")
@click.option("--template-label-filter", multiple=True, help="Labels of the template to keep")
@click.option("--template-annotation-filter", multiple=True, help="Annotations of the template to keep")
@click.option("--new-mac-address", multiple=True, metavar="IFACE:MAC", help="New MAC address of an interface")
@click.option("--new-smbios-serial", default="", help="New serial number of the machine")
@click.pass_context
def clone(ctx: click.Context, /, source_name: str, name: str, target_name: str, source_type: str, target_type: str,
          new_mac_address: tuple[str, ...], new_smbios_serial: str, **filters: tuple[str, ...]) -> None:
    """Print a clone."""
    from kubevirt.virtctl.create.others import make_clone

    members = {"label_filter": "labelFilters", "annotation_filter": "annotationFilters",
               "template_label_filter": "template.labelFilters",
               "template_annotation_filter": "template.annotationFilters"}  # fmt: skip
    _print(make_clone(name=name, namespace=_namespace(ctx), source_name=source_name, source_type=source_type,
                      target_name=target_name, target_type=target_type,
                      filters={members[key]: values for key, values in filters.items()}, macs=new_mac_address,
                      smbios_serial=new_smbios_serial))


class _Options:
    """click's parameters, each as what it is."""

    def __init__(self, given: dict[str, object]) -> None:
        self._given = given

    def text(self, name: str) -> str:
        value = self._given[name]
        return "" if value is None else str(value)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._given[name]
        return tuple(str(each) for each in value) if isinstance(value, tuple) else ()

    def switch(self, name: str) -> bool | None:
        value = self._given[name]
        return value if isinstance(value, bool) else None


def _namespace(ctx: click.Context) -> str:
    flags = ctx.obj
    return (flags.namespace or "") if isinstance(flags, Globals) else ""


def _password(path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except OSError as e:
        raise CommandError(f'failed to parse "--password-file" flag: open {path}: {(e.strerror or "").lower()}') from e


def _print(document: JsonObject) -> None:
    import yaml

    click.echo(yaml.safe_dump(document, sort_keys=True, default_flow_style=False, width=1000), nl=False)
