"""Access credentials that reach a guest through its agent: which secret is for which users.

Those that come with a cloud-init disk are `cloud_init`'s. Small enough for the launcher to keep loaded; the API's types
are only named here, not imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kubevirt.machine import paths

if TYPE_CHECKING:
    from kubevirt.api.vmi import VirtualMachineInstance


class AgentCredential(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """The directory that a secret is mounted at, and what is in it."""

    directory: str
    key_users: tuple[str, ...] = ()
    """Every file is a public key with which each of them may log in. Without users, files are passwords, named by
    whom they are for."""

    @property
    def is_keys(self) -> bool:
        return bool(self.key_users)


def agent_credentials(vmi: VirtualMachineInstance) -> list[AgentCredential]:
    """In the order of the VMI's spec."""
    found = []
    for credential in vmi.spec.access_credentials:
        key, password = credential.ssh_public_key, credential.user_password
        if key is not None and key.source.secret is not None:
            agent = key.propagation_method.qemu_guest_agent
            if agent is not None and agent.users:
                directory = paths.access_credential_dir(key.source.secret.secret_name)
                found.append(AgentCredential(directory=directory, key_users=tuple(agent.users)))
        elif password is not None and password.source.secret is not None:
            directory = paths.access_credential_dir(password.source.secret.secret_name)
            found.append(AgentCredential(directory=directory))
    return found
