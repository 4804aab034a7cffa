"""Contents of the secrets that the pod has mounted for cloud-init data and SSH keys."""

from pathlib import Path

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine import paths
from kubevirt.machine.cloud_init import MountedSecrets, cloud_init_volume


def mounted_secrets(vmi: VirtualMachineInstance) -> MountedSecrets:
    """What is missing is left out: the builder of the disk knows whether it was needed."""
    volume = cloud_init_volume(vmi)
    directory = Path(paths.secret_dir(volume.name)) if volume is not None else None
    names = [
        credential.ssh_public_key.source.secret.secret_name
        for credential in vmi.spec.access_credentials
        if credential.ssh_public_key is not None and credential.ssh_public_key.source.secret is not None
    ]
    return MountedSecrets(
        user_data=_first(directory, "userdata", "userData"),
        network_data=_first(directory, "networkdata", "networkData"),
        public_keys={name: _keys(Path(paths.access_credential_dir(name))) for name in names},
    )


def _first(directory: Path | None, *names: str) -> bytes | None:
    """A key that the secret lacks is mounted as an empty directory."""
    if directory is None:
        return None
    return next((file.read_bytes() for file in (directory / name for name in names) if file.is_file()), None)


def _keys(directory: Path) -> tuple[str, ...]:
    if not directory.is_dir():
        return ()
    files = [file for file in sorted(directory.iterdir()) if file.is_file() and not file.name.startswith(".")]
    lines = [line.strip() for file in files for line in file.read_text(errors="replace").splitlines()]
    return tuple(line for line in lines if line)
