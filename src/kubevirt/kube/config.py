"""Which cluster, as whom: from flags, kubeconfig files, the pod one runs in, or the defaults, in kubectl's order.

    access = load_access()                                   # a program in a pod, or a developer's shell
    access = load_access(ConfigFlags(context="test"))        # a command line

The order: `--kubeconfig` alone, else the files of $KUBECONFIG, else ~/.kube/config; nothing usable there and running
in a pod: its service account; else $KUBERNETES_MASTER, else http://localhost:8080. Flags override single values.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kubevirt.kit.errors import Problem
from kubevirt.kube import kubeconfig
from kubevirt.kube.access import ClusterAccess, TokenFile
from kubevirt.kube.credentials import bearer_of, client_certificate_of, exec_credentials, ssl_context_for
from kubevirt.kube.kubeconfig import Cluster, Context, Kubeconfig, User

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, kw_only=True)
class ConfigFlags:
    """The global flags of kubectl and virtctl; empty means not given."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    user: str = ""
    namespace: str = ""
    server: str = ""
    token: str = ""
    username: str = ""
    password: str = ""
    client_certificate: str = ""
    client_key: str = ""
    certificate_authority: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    as_user: str = ""
    as_uid: str = ""
    as_groups: tuple[str, ...] = ()
    request_timeout_s: float = 0.0


def load_access(flags: ConfigFlags | None = None, *, environment: Mapping[str, str] | None = None,
                home: Path | None = None, service_account: Path = SERVICE_ACCOUNT) -> ClusterAccess:
    """Raises Problem when what was asked for by name is not there."""
    flags = flags or ConfigFlags()
    environment = os.environ if environment is None else environment
    config = read_files(flags.kubeconfig, environment, home or Path.home())
    context = config.context(flags.context)
    cluster = _cluster(config, context, flags)
    user = _user(config, context, flags)
    in_pod = _is_in_pod(environment, service_account)
    if not cluster.server and in_pod and not flags.kubeconfig:
        return _in_cluster(flags, environment, service_account)
    if not cluster.server:
        cluster = msgspec.structs.replace(
            cluster, server=environment.get("KUBERNETES_MASTER", "") or "http://localhost:8080"
        )
    namespace = flags.namespace or context.namespace or (_own_namespace(service_account) if in_pod else "")
    return connect(cluster, user, namespace=namespace, namespace_was_given=bool(flags.namespace),
                   request_timeout_s=flags.request_timeout_s)


def read_files(path: str, environment: Mapping[str, str], home: Path) -> Kubeconfig:
    """The file of the flag (which must exist), or the merged files of the environment, or the one in the home."""
    if path:
        return _read(Path(path), must_exist=True)
    listed = [Path(entry) for entry in environment.get("KUBECONFIG", "").split(os.pathsep) if entry]
    return kubeconfig.merge(_read(file, must_exist=False) for file in listed or [home / ".kube" / "config"])


def connect(cluster: Cluster, user: User, *, namespace: str = "", namespace_was_given: bool = False,
            request_timeout_s: float = 0.0) -> ClusterAccess:
    """The access that a cluster's and a user's entries describe. Runs the user's credential program, if any."""
    if user.exec is not None and not (user.token or user.token_file or user.client_certificate):
        user = exec_credentials(user, user.exec)
    certificate = client_certificate_of(user)
    is_https = cluster.server.startswith("https:")
    return ClusterAccess(
        server=cluster.server if "://" in cluster.server else f"http://{cluster.server}",
        ssl_context=ssl_context_for(cluster, certificate) if is_https else None,
        namespace=namespace or "default",
        namespace_was_given=namespace_was_given,
        bearer=bearer_of(user),
        basic=(user.username, user.password) if user.username else None,
        has_client_certificate=certificate is not None,
        impersonation=_impersonation(user),
        proxy=cluster.proxy_url,
        tls_server_name=cluster.tls_server_name,
        request_timeout_s=request_timeout_s,
    )


def _read(path: Path, *, must_exist: bool) -> Kubeconfig:
    try:
        return kubeconfig.parse(path.read_text(encoding="utf-8"), path.absolute())
    except FileNotFoundError as e:
        if must_exist:
            raise Problem(cause=f"stat {path}: no such file or directory") from e
        return Kubeconfig()
    except (OSError, UnicodeDecodeError) as e:
        raise Problem(cause=f"the kubeconfig {path} cannot be read: {e}",
                      remedy="check its permissions, or name another with --kubeconfig") from e


def _cluster(config: Kubeconfig, context: Context, flags: ConfigFlags) -> Cluster:
    name = flags.cluster or context.cluster
    if flags.cluster and flags.cluster not in config.clusters:
        raise Problem(cause=f'cluster "{flags.cluster}" does not exist', remedy="check --cluster")
    cluster = config.clusters.get(name, Cluster())
    if flags.insecure_skip_tls_verify:
        # A given authority and "do not verify" would contradict each other; the flag is the later word.
        cluster = msgspec.structs.replace(cluster, insecure_skip_tls_verify=True, certificate_authority="",
                                          certificate_authority_data="")
    if flags.certificate_authority:
        cluster = msgspec.structs.replace(cluster, certificate_authority=flags.certificate_authority,
                                          certificate_authority_data="")
    return msgspec.structs.replace(
        cluster,
        server=flags.server or cluster.server,
        tls_server_name=flags.tls_server_name or cluster.tls_server_name,
        proxy_url=flags.proxy_url or cluster.proxy_url,
    )


def _user(config: Kubeconfig, context: Context, flags: ConfigFlags) -> User:
    if flags.user and flags.user not in config.users:
        raise Problem(cause=f'auth info "{flags.user}" does not exist', remedy="check --user")
    user = config.users.get(flags.user or context.user, User())
    if flags.token:
        user = msgspec.structs.replace(user, token=flags.token, token_file="", exec=None, username="", password="")
    if flags.username:
        user = msgspec.structs.replace(user, username=flags.username, password=flags.password, token="",
                                       token_file="", exec=None)
    if flags.client_certificate:
        user = msgspec.structs.replace(user, client_certificate=flags.client_certificate, client_certificate_data="")
    if flags.client_key:
        user = msgspec.structs.replace(user, client_key=flags.client_key, client_key_data="")
    return msgspec.structs.replace(
        user,
        as_user=flags.as_user or user.as_user,
        as_uid=flags.as_uid or user.as_uid,
        as_groups=list(flags.as_groups) or user.as_groups,
    )


def _is_in_pod(environment: Mapping[str, str], service_account: Path) -> bool:
    has_address = environment.get("KUBERNETES_SERVICE_HOST") and environment.get("KUBERNETES_SERVICE_PORT")
    return bool(has_address) and (service_account / "token").is_file()


def _in_cluster(flags: ConfigFlags, environment: Mapping[str, str], service_account: Path) -> ClusterAccess:
    host, port = environment["KUBERNETES_SERVICE_HOST"], environment["KUBERNETES_SERVICE_PORT"]
    cluster = Cluster(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        certificate_authority=str(service_account / "ca.crt"),
    )
    return ClusterAccess(
        server=cluster.server,
        ssl_context=ssl_context_for(cluster, None),
        namespace=flags.namespace or _own_namespace(service_account) or "default",
        namespace_was_given=bool(flags.namespace),
        bearer=TokenFile(service_account / "token"),
        request_timeout_s=flags.request_timeout_s,
    )


def _own_namespace(service_account: Path) -> str:
    try:
        return (service_account / "namespace").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _impersonation(user: User) -> tuple[tuple[str, str], ...]:
    one_each = (("Impersonate-User", user.as_user), ("Impersonate-Uid", user.as_uid))
    groups = tuple(("Impersonate-Group", group) for group in user.as_groups or ())
    return tuple((name, value) for name, value in one_each if value) + groups
