"""Rules for credentials that are brought into the guest."""

from collections.abc import Mapping

from kubevirt.api.access import AccessCredential
from kubevirt.api.validation.causes import Causes, invalid
from kubevirt.api.vmi import VirtualMachineInstanceSpec


def check_access_credentials(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """Each credential has one kind, one source and one way into the guest, and that way exists."""
    drives = {
        "noCloud": any(volume.cloud_init_no_cloud for volume in spec.volumes),
        "configDrive": any(volume.cloud_init_config_drive for volume in spec.volumes),
    }
    for index, credential in enumerate(spec.access_credentials):
        at = f"{field}[{index}]"
        if (credential.ssh_public_key is None) == (credential.user_password is None):
            yield invalid(at, f"{at} must have exactly one access credential type set")
        yield from _ssh_key(at, credential, drives)
        yield from _password(at, credential)


def _ssh_key(at: str, credential: AccessCredential, drives: Mapping[str, bool]) -> Causes:
    key = credential.ssh_public_key
    if key is None:
        return
    here = f"{at}.sshPublicKey"
    if key.source.secret is None:
        yield invalid(f"{here}.source", f"{at} must have exactly one source set")
    method, way = key.propagation_method, f"{here}.propagationMethod"
    ways = (method.config_drive, method.no_cloud, method.qemu_guest_agent)
    if sum(one is not None for one in ways) != 1:
        yield invalid(way, f"{at} must have exactly one propagationMethod set")
    for name, wanted in (("noCloud", method.no_cloud), ("configDrive", method.config_drive)):
        if wanted is not None and not drives[name]:
            yield invalid(
                way,
                f"{at} requires a {name} volume to exist when the {name} propagationMethod is in use.",
            )
    if method.qemu_guest_agent is not None and not method.qemu_guest_agent.users:
        yield invalid(
            f"{way}.qemuGuestAgent.users", f"{at} requires at least one user to be present in the users list"
        )


def _password(at: str, credential: AccessCredential) -> Causes:
    password = credential.user_password
    if password is None:
        return
    here = f"{at}.userPassword"
    if password.source.secret is None:
        yield invalid(f"{here}.source", f"{at} must have exactly one source set")
    if password.propagation_method.qemu_guest_agent is None:
        yield invalid(f"{here}.propagationMethod", f"{at} must have exactly one propagationMethod set")
