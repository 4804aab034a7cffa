"""Credentials that are brought into the guest."""

from typing import Annotated

from kubevirt.api.base import Api, SetList, required


class AccessCredentialSecretSource(Api):
    """A Secret of the same namespace."""

    secret_name: str = required(str)
    """Name of the Secret."""


class SSHPublicKeyAccessCredentialSource(Api):
    """Where the keys come from."""

    secret: AccessCredentialSecretSource | None = None
    """Secret whose every value is a public key."""


class ConfigDriveSSHPublicKeyAccessCredentialPropagation(Api):
    """Adds the keys to the ConfigDrive metadata at boot."""


class NoCloudSSHPublicKeyAccessCredentialPropagation(Api):
    """Adds the keys to the NoCloud metadata at boot."""


class QemuGuestAgentSSHPublicKeyAccessCredentialPropagation(Api):
    """Writes the keys through the guest agent while the guest runs."""

    users: Annotated[list[str], SetList] = required(list)
    """Users who get the keys."""


class SSHPublicKeyAccessCredentialPropagationMethod(Api):
    """How the keys reach the guest; exactly one."""

    config_drive: ConfigDriveSSHPublicKeyAccessCredentialPropagation | None = None
    """In the metadata of a ConfigDrive disk."""
    no_cloud: NoCloudSSHPublicKeyAccessCredentialPropagation | None = None
    """In the metadata of a NoCloud disk."""
    qemu_guest_agent: QemuGuestAgentSSHPublicKeyAccessCredentialPropagation | None = None
    """Through the guest agent, also while the guest runs."""


class SSHPublicKeyAccessCredential(Api):
    """Public keys that may log in."""

    propagation_method: SSHPublicKeyAccessCredentialPropagationMethod = required(
        SSHPublicKeyAccessCredentialPropagationMethod
    )
    """How the keys reach the guest."""
    source: SSHPublicKeyAccessCredentialSource = required(SSHPublicKeyAccessCredentialSource)
    """Where the keys come from."""


class UserPasswordAccessCredentialSource(Api):
    """Where the passwords come from."""

    secret: AccessCredentialSecretSource | None = None
    """Secret whose keys are users and whose values are their passwords."""


class QemuGuestAgentUserPasswordAccessCredentialPropagation(Api):
    """Sets the passwords through the guest agent."""


class UserPasswordAccessCredentialPropagationMethod(Api):
    """How the passwords reach the guest."""

    qemu_guest_agent: QemuGuestAgentUserPasswordAccessCredentialPropagation | None = None
    """Through the guest agent, also while the guest runs."""


class UserPasswordAccessCredential(Api):
    """Passwords of guest users."""

    propagation_method: UserPasswordAccessCredentialPropagationMethod = required(
        UserPasswordAccessCredentialPropagationMethod
    )
    """How the passwords reach the guest."""
    source: UserPasswordAccessCredentialSource = required(UserPasswordAccessCredentialSource)
    """Where the passwords come from."""


class AccessCredential(Api):
    """Credentials brought into the guest; exactly one kind is set."""

    ssh_public_key: SSHPublicKeyAccessCredential | None = None
    """SSH public keys."""
    user_password: UserPasswordAccessCredential | None = None
    """Passwords."""
