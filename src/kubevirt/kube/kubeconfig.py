"""Kubeconfig files as data: reading, merging, and choosing a context, as kubectl does it.

Of several files the first that says something about a name wins; relative paths count from the file that holds them.
Turning the outcome into connections is `config`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as field_
from pathlib import Path

import msgspec
import yaml

from kubevirt.kit.errors import Problem


class Cluster(msgspec.Struct, rename="kebab", omit_defaults=True):
    server: str = ""
    tls_server_name: str = ""
    insecure_skip_tls_verify: bool = False
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    proxy_url: str = ""


class ExecVariable(msgspec.Struct):
    name: str
    value: str = ""


class ExecPlugin(msgspec.Struct, rename="camel"):
    """A program that prints credentials."""

    command: str
    args: list[str] | None = None
    env: list[ExecVariable] | None = None
    api_version: str = "client.authentication.k8s.io/v1"
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = ""


class User(msgspec.Struct, rename="kebab", omit_defaults=True):
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(name="tokenFile", default="")
    username: str = ""
    password: str = ""
    exec: ExecPlugin | None = None
    as_user: str = msgspec.field(name="as", default="")
    as_uid: str = ""
    as_groups: list[str] | None = None


class Context(msgspec.Struct, omit_defaults=True):
    cluster: str = ""
    user: str = ""
    namespace: str = ""


class _NamedCluster(msgspec.Struct):
    name: str
    cluster: Cluster | None = None


class _NamedUser(msgspec.Struct):
    name: str
    user: User | None = None


class _NamedContext(msgspec.Struct):
    name: str
    context: Context | None = None


class _File(msgspec.Struct):
    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None
    contexts: list[_NamedContext] | None = None
    current_context: str | None = msgspec.field(name="current-context", default=None)


@dataclass(frozen=True, kw_only=True)
class Kubeconfig:
    """What one or several files say together."""

    clusters: Mapping[str, Cluster] = field_(default_factory=dict)
    users: Mapping[str, User] = field_(default_factory=dict)
    contexts: Mapping[str, Context] = field_(default_factory=dict)
    current_context: str = ""

    def context(self, name: str) -> Context:
        """The named one, or the current one for an empty name. Raises Problem when a name is not known."""
        chosen = name or self.current_context
        if not chosen:
            return Context()
        if chosen not in self.contexts:
            known = ", ".join(sorted(self.contexts)) or "none"
            raise Problem(cause=f'context "{chosen}" does not exist', remedy=f"contexts of the kubeconfig: {known}")
        return self.contexts[chosen]


def parse(text: str, origin: Path) -> Kubeconfig:
    """One file's content. Raises Problem that names the file."""
    try:
        content = yaml.safe_load(text)
        file = msgspec.convert(content if content is not None else {}, _File)
    except (yaml.YAMLError, msgspec.ValidationError) as e:
        raise Problem(
            cause=f"the kubeconfig {origin} cannot be read: {' '.join(str(e).split())}",
            remedy="check the file, or name another with --kubeconfig",
        ) from e
    home = origin.parent
    return Kubeconfig(
        clusters={c.name: _cluster_from(home, c.cluster or Cluster()) for c in file.clusters or ()},
        users={u.name: _user_from(home, u.user or User()) for u in file.users or ()},
        contexts={c.name: c.context or Context() for c in file.contexts or ()},
        current_context=file.current_context or "",
    )


def merge(configs: Iterable[Kubeconfig]) -> Kubeconfig:
    """The first to name a cluster, user, context or current context decides about it."""
    clusters: dict[str, Cluster] = {}
    users: dict[str, User] = {}
    contexts: dict[str, Context] = {}
    current = ""
    for config in configs:
        clusters = {**config.clusters, **clusters}
        users = {**config.users, **users}
        contexts = {**config.contexts, **contexts}
        current = current or config.current_context
    return Kubeconfig(clusters=clusters, users=users, contexts=contexts, current_context=current)


def _cluster_from(home: Path, cluster: Cluster) -> Cluster:
    return msgspec.structs.replace(cluster, certificate_authority=_below(home, cluster.certificate_authority))


def _user_from(home: Path, user: User) -> User:
    return msgspec.structs.replace(
        user,
        client_certificate=_below(home, user.client_certificate),
        client_key=_below(home, user.client_key),
        token_file=_below(home, user.token_file),
    )


def _below(home: Path, path: str) -> str:
    return str(home / path) if path else ""
