"""Which cluster and user come out of flags, kubeconfig files, a pod's account and the environment."""

import base64
from pathlib import Path

import pytest

from kubevirt.kit.errors import Problem
from kubevirt.kube.access import TOKEN_REREAD_S, TokenFile
from kubevirt.kube.config import ConfigFlags, load_access

ONE = """
apiVersion: v1
kind: Config
current-context: one
clusters:
- {name: one, cluster: {server: http://one:8080}}
- {name: both, cluster: {server: http://from-first:8080}}
contexts:
- {name: one, context: {cluster: one, user: alice, namespace: shop}}
users:
- {name: alice, user: {token: secret-of-alice, as: root, as-groups: [a, b]}}
"""
TWO = """
current-context: two
clusters:
- {name: two, cluster: {server: http://two:8080}}
- {name: both, cluster: {server: http://from-second:8080}}
contexts:
- {name: two, context: {cluster: two, user: bob}}
- {name: shared, context: {cluster: both, user: bob}}
users:
- {name: bob, user: {username: bob, password: pw}}
- {name: filed, user: {tokenFile: token.txt}}
- {name: program, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c,
    'echo "{\\"status\\":{\\"token\\":\\"printed\\"}}"']}}}
- {name: broken, user: {exec: {command: /no/such/program, installHint: install it}}}
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "one").write_text(ONE)
    (tmp_path / "two").write_text(TWO)
    (tmp_path / "token.txt").write_text("from-file\n")
    return tmp_path


def in_pod(tmp_path: Path) -> tuple[dict[str, str], Path]:
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text("pod-token")
    (folder / "namespace").write_text("kubevirt")
    (folder / "ca.crt").write_bytes(b"")
    return {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}, folder


@pytest.mark.parametrize(("flags", "listed", "server", "namespace", "header"), [
    pytest.param(ConfigFlags(), "one:two", "http://one:8080", "shop", "Bearer secret-of-alice",
                 id="the first file's current context wins"),
    pytest.param(ConfigFlags(context="two"), "one:two", "http://two:8080", "default", "Basic Ym9iOnB3",
                 id="a context of the second file"),
    pytest.param(ConfigFlags(context="shared"), "one:two", "http://from-first:8080", "default", "Basic Ym9iOnB3",
                 id="what both name is the first's"),
    pytest.param(ConfigFlags(), "missing:two", "http://two:8080", "default", "Basic Ym9iOnB3",
                 id="a listed file that is missing is skipped"),
    pytest.param(ConfigFlags(namespace="x"), "one", "http://one:8080", "x", "Bearer secret-of-alice", id="-n"),
    pytest.param(ConfigFlags(server="http://s:1", token="t"), "one", "http://s:1", "shop", "Bearer t",
                 id="server and token"),
    pytest.param(ConfigFlags(user="filed"), "one:two", "http://one:8080", "shop", "Bearer from-file",
                 id="a token file counts from its kubeconfig"),
    pytest.param(ConfigFlags(user="program"), "one:two", "http://one:8080", "shop", "Bearer printed",
                 id="a credential program"),
    pytest.param(ConfigFlags(username="u", password="p"), "one", "http://one:8080", "shop", "Basic dTpw",
                 id="basic authentication"),
    pytest.param(ConfigFlags(), "missing", "http://localhost:8080", "default", None, id="nothing at all"),
])
def test_choices(files: Path, flags: ConfigFlags, listed: str, server: str, namespace: str, header: str | None) -> None:
    environment = {"KUBECONFIG": ":".join(str(files / name) for name in listed.split(":"))}
    access = load_access(flags, environment=environment, home=files / "home", service_account=files / "none")
    assert (access.server, access.namespace) == (server, namespace)
    assert dict(access.headers()).get("Authorization") == header
    assert access.has_credentials is (header is not None)


def test_the_file_at_home(files: Path) -> None:
    (files / ".kube").mkdir()
    (files / ".kube" / "config").write_text(ONE)
    access = load_access(environment={}, home=files, service_account=files / "none")
    assert access.server == "http://one:8080"
    assert access.headers()[:3] == [("Impersonate-User", "root"), ("Impersonate-Group", "a"),
                                    ("Impersonate-Group", "b")]


def test_a_pods_own_account(tmp_path: Path) -> None:
    environment, folder = in_pod(tmp_path)
    (folder / "ca.crt").unlink()
    (folder / "ca.crt").symlink_to("/dev/null")
    access = load_access(environment=environment, home=tmp_path, service_account=folder)
    assert access.server == "https://10.96.0.1:443"
    assert access.namespace == "kubevirt"
    assert access.headers() == [("Authorization", "Bearer pod-token")]


def test_a_kubeconfig_wins_over_the_pods_account(tmp_path: Path) -> None:
    environment, folder = in_pod(tmp_path)
    (tmp_path / "one").write_text(ONE)
    access = load_access(environment={**environment, "KUBECONFIG": str(tmp_path / "one")}, home=tmp_path,
                         service_account=folder)
    assert access.server == "http://one:8080"


def test_the_master_of_the_environment(tmp_path: Path) -> None:
    access = load_access(environment={"KUBERNETES_MASTER": "http://m:1"}, home=tmp_path, service_account=tmp_path)
    assert access.server == "http://m:1"


@pytest.mark.parametrize(("flags", "message"), [
    pytest.param(ConfigFlags(kubeconfig="/no/such"), "stat /no/such: no such file or directory", id="missing file"),
    pytest.param(ConfigFlags(context="x"), 'context "x" does not exist', id="unknown context"),
    pytest.param(ConfigFlags(cluster="x"), 'cluster "x" does not exist', id="unknown cluster"),
    pytest.param(ConfigFlags(user="x"), 'auth info "x" does not exist', id="unknown user"),
    pytest.param(ConfigFlags(user="broken"), "install it", id="a credential program that is not there"),
    pytest.param(ConfigFlags(client_certificate="/etc/hostname"), "belong together", id="half a key pair"),
    pytest.param(ConfigFlags(client_certificate="/no/such", client_key="/no/such"), "cannot be read", id="no key"),
    pytest.param(ConfigFlags(server="https://x", certificate_authority="/etc/hostname"), "not PEM", id="no PEM"),
])
def test_refused(files: Path, flags: ConfigFlags, message: str) -> None:
    environment = {"KUBECONFIG": f"{files / 'one'}:{files / 'two'}"}
    with pytest.raises(Problem, match=message):
        load_access(flags, environment=environment, home=files, service_account=files / "none")


@pytest.mark.parametrize("content", ["clusters: 7", "a: [", "clusters: [{cluster: {}}]", "- 1"])
def test_a_broken_kubeconfig_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "broken").write_text(content)
    with pytest.raises(Problem, match=r"the kubeconfig .*broken cannot be read"):
        load_access(ConfigFlags(kubeconfig=str(tmp_path / "broken")), environment={}, home=tmp_path)


def test_bad_base64_is_a_problem_with_words(tmp_path: Path) -> None:
    bad = "server: https://one, certificate-authority-data: '%'"
    (tmp_path / "c").write_text(ONE.replace("server: http://one:8080", bad))
    with pytest.raises(Problem, match="not base64"):
        load_access(ConfigFlags(kubeconfig=str(tmp_path / "c")), environment={}, home=tmp_path)


def test_a_token_file_is_read_again_in_time_and_survives_a_gap(tmp_path: Path) -> None:
    clock = 0.0
    path = tmp_path / "token"
    path.write_text("first")
    token = TokenFile(path, clock=lambda: clock)
    assert token() == "first"
    path.write_text("second")
    assert token() == "first"
    clock = TOKEN_REREAD_S
    assert token() == "second"
    path.unlink()
    clock *= 2
    assert token() == "second"
    with pytest.raises(Problem, match="cannot be read"):
        TokenFile(path)()


def test_a_key_pair_that_is_none_is_refused(tmp_path: Path) -> None:
    data = base64.b64encode(b"x").decode()
    users = f"- {{name: alice, user: {{client-certificate-data: {data}, client-key-data: {data}}}}}"
    (tmp_path / "c").write_text(ONE.partition("- {name: alice")[0].replace("http://one", "https://one") + users)
    with pytest.raises(Problem, match="cannot be used"):
        load_access(ConfigFlags(kubeconfig=str(tmp_path / "c")), environment={}, home=tmp_path)
