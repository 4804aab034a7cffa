"""Cloud-init user data and access credentials of a machine to be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kubevirt.kit.json import JsonObject
from kubevirt.virtctl.create.params import Params, split_prefix
from kubevirt.virtctl.errors import CommandError

NO_CLOUD, CONFIG_DRIVE, NONE = "nocloud", "configdrive", "none"
SOURCES = (NO_CLOUD, CONFIG_DRIVE, NONE)
VOLUME = "cloudinitdisk"
HEADER = "#cloud-config"
ACCESS_FLAG = "access-cred"


@dataclass(frozen=True, kw_only=True)
class Login:
    """Who may log in and how, as far as cloud-init sees to it."""

    user: str = ""
    password: str = ""
    keys: Sequence[str] = ()
    agent_manages_keys: bool = False

    def user_data(self) -> str:
        """The user data; only its header when there is nothing to say."""
        lines = [HEADER]
        if self.user:
            lines.append(f"user: {self.user}")
        if self.password:
            lines += [f"password: {self.password}", "chpasswd: { expire: False }"]
        if self.keys:
            lines += ["ssh_authorized_keys:", *(f"  - {key}" for key in self.keys)]
        if self.agent_manages_keys:
            lines += ["runcmd:", "  - [ setsebool, -P, 'virt_qemu_ga_manage_ssh', 'on' ]"]
        return "\n".join(lines)


@dataclass(kw_only=True)
class Access:
    """The credentials, and what they ask of the rest of the machine."""

    credentials: list[JsonObject] = field(default_factory=list)
    cloud_init: str = ""
    """The data source that one of them needs."""
    agent_manages_keys: bool = False


def parse_access(texts: Sequence[str], *, user: str, cloud_init: str | None) -> Access:
    """Read every `--access-cred`; `cloud_init` is the flag's value, None when it was not given."""
    access = Access()
    for text in texts:
        params = Params(ACCESS_FLAG, text)
        type_, method = params.text("type") or "ssh", params.text("method") or "ga"
        namespace, secret = split_prefix(ACCESS_FLAG, params.needed("src"))
        if namespace:
            raise params.problem(f'not allowed to specify namespace of secret "{secret}"')
        match type_:
            case "ssh":
                access.credentials.append(_ssh(params, access, method, secret, user, cloud_init))
            case "password":
                access.credentials.append(_password(params, method, secret))
            case _:
                raise params.problem(
                    f'invalid access credential type "{type_}", supported values are: ssh, password'
                )
        params.finish()
    return access


def _ssh(
    params: Params, access: Access, method: str, secret: str, user: str, cloud_init: str | None
) -> JsonObject:
    own_user = params.text("user")
    propagation: JsonObject
    match method:
        case "ga":
            if not (own_user or user):
                raise params.problem(
                    'user must be specified with access credential ssh method ga ("--user" flag or param "user")'
                )
            access.agent_manages_keys = True
            propagation = {"qemuGuestAgent": {"users": [own_user or user]}}
        case "nocloud" | "configdrive":
            if own_user:
                raise params.problem("user cannot be specified with selected access credential type and method")
            wanted = cloud_init if cloud_init is not None else access.cloud_init
            if wanted and wanted != method:
                raise params.problem(
                    f"method param and value passed to --cloud-init have to match: {method} vs {wanted}"
                )
            access.cloud_init = method
            propagation = {"noCloud": {}} if method == NO_CLOUD else {"configDrive": {}}
        case _:
            raise params.problem(
                f'invalid access credentials ssh method "{method}", supported values are: ga, nocloud, configdrive'
            )
    return {"sshPublicKey": {"source": {"secret": {"secretName": secret}}, "propagationMethod": propagation}}


def _password(params: Params, method: str, secret: str) -> JsonObject:
    if method != "ga":
        raise params.problem(f'invalid access credentials password method "{method}", supported values are: ga')
    if params.text("user"):
        raise params.problem("user cannot be specified with selected access credential type and method")
    return {
        "userPassword": {
            "source": {"secret": {"secretName": secret}},
            "propagationMethod": {"qemuGuestAgent": {}},
        }
    }


def source_of(text: str) -> str:
    """The data source that a flag names, in lower case."""
    found = text.lower()
    if found not in SOURCES:
        raise CommandError(
            f'failed to parse "--cloud-init" flag: invalid cloud-init data source type "{text}", '
            f"supported values are: {', '.join(SOURCES)}"
        )
    return found


def volume(source: str, data: JsonObject) -> JsonObject:
    """The volume that carries the data into the guest."""
    return {"name": VOLUME, "cloudInitNoCloud" if source == NO_CLOUD else "cloudInitConfigDrive": data}
