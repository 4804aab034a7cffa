"""Credentials that are brought into the guest."""

from typing import Annotated

from kubevirt.api.base import Api, SetList, required


class AccessCredentialSecretSource(Api):
    """A Secret of the same namespace."""

    secret_name: str = required(str)


class SSHPublicKeyAccessCredentialSource(Api):
    """Where the keys come from."""

    secret: AccessCredentialSecretSource | None = None


class ConfigDriveSSHPublicKeyAccessCredentialPropagation(Api):
    """Adds the keys to the ConfigDrive metadata at boot."""


class NoCloudSSHPublicKeyAccessCredentialPropagation(Api):
    """Adds the keys to the NoCloud metadata at boot."""


class QemuGuestAgentSSHPublicKeyAccessCredentialPropagation(Api):
    """Writes the keys through the guest agent while the guest runs."""

    users: Annotated[list[str], SetList] = required(list)


class SSHPublicKeyAccessCredentialPropagationMethod(Api):
    """How the keys reach the guest; exactly one."""

    config_drive: ConfigDriveSSHPublicKeyAccessCredentialPropagation | None = None
    no_cloud: NoCloudSSHPublicKeyAccessCredentialPropagation | None = None
    qemu_guest_agent: QemuGuestAgentSSHPublicKeyAccessCredentialPropagation | None = None


class SSHPublicKeyAccessCredential(Api):
    """Public keys that may log in."""

    propagation_method: SSHPublicKeyAccessCredentialPropagationMethod = required(
        SSHPublicKeyAccessCredentialPropagationMethod
    )
    source: SSHPublicKeyAccessCredentialSource = required(SSHPublicKeyAccessCredentialSource)


class UserPasswordAccessCredentialSource(Api):
    """Where the passwords come from."""

    secret: AccessCredentialSecretSource | None = None


class QemuGuestAgentUserPasswordAccessCredentialPropagation(Api):
    """Sets the passwords through the guest agent."""


class UserPasswordAccessCredentialPropagationMethod(Api):
    """How the passwords reach the guest."""

    qemu_guest_agent: QemuGuestAgentUserPasswordAccessCredentialPropagation | None = None


class UserPasswordAccessCredential(Api):
    """Passwords of guest users."""

    propagation_method: UserPasswordAccessCredentialPropagationMethod = required(
        UserPasswordAccessCredentialPropagationMethod
    )
    source: UserPasswordAccessCredentialSource = required(UserPasswordAccessCredentialSource)


class AccessCredential(Api):
    """Credentials brought into the guest; exactly one kind is set."""

    ssh_public_key: SSHPublicKeyAccessCredential | None = None
    user_password: UserPasswordAccessCredential | None = None
