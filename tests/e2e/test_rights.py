"""A user with nothing but the built-in `edit` role in one namespace: may do all of a machine's life there, nothing
elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Cluster, console, eventually
from tests.e2e.manifests import as_json, vm

pytestmark = pytest.mark.e2e
NAMESPACE = "team"


@pytest.fixture(scope="module")
def editor(admin: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A service account bound to `edit` in namespace `team`, with a kubeconfig of its own."""
    admin.kubectl("create", "namespace", "team").ok()
    admin.kubectl("-n", "team", "create", "serviceaccount", "editor").ok()
    admin.kubectl(
        "-n", "team", "create", "rolebinding", "editor", "--clusterrole=edit", "--serviceaccount=team:editor"
    ).ok()
    token = admin.kubectl("-n", "team", "create", "token", "editor").ok().out.strip()
    kubeconfig = tmp_path_factory.mktemp("editor") / "kubeconfig"
    kubeconfig.write_text(Path(admin.kubeconfig).read_text())
    user = admin.as_user(str(kubeconfig))
    user.kubectl("config", "set-credentials", "editor", f"--token={token}").ok()
    user.kubectl("config", "set-context", "--current", "--user=editor", "--namespace=team").ok()
    own = user.in_namespace("team")
    eventually("the binding to be known", lambda: own.kubectl("auth", "can-i", "create", "vm").code == 0)
    yield own
    admin.kubectl("delete", "namespace", "team", "--timeout=240s").ok()


def test_the_whole_life_in_the_own_namespace(editor: Cluster) -> None:
    editor.kubectl("create", "-f", "-", stdin=as_json(vm("mine", runStrategy="Halted"))).ok()
    editor.virtctl("start", "mine").ok()
    editor.wait_status("mine", "Running")
    with console(editor, "mine") as guest:
        guest.log_in()
    assert '"name": "mine"' in editor.virtctl("top", "vm", "-o", "json").ok().out
    editor.virtctl("pause", "vm", "mine").ok()
    editor.wait_status("mine", "Paused")
    editor.virtctl("unpause", "vm", "mine").ok()
    editor.virtctl("expose", "vm", "mine", "--name", "mine-ssh", "--port", "22").ok()
    editor.virtctl("stop", "mine").ok()
    editor.wait_status("mine", "Stopped")
    editor.kubectl("delete", "vm", "mine", "--timeout=240s").ok()


def test_nothing_outside_it(editor: Cluster, admin: Cluster) -> None:
    admin.kubectl("create", "-f", "-", stdin=as_json(vm("theirs", runStrategy="Halted"))).ok()
    try:
        elsewhere = editor.in_namespace("default")
        elsewhere.kubectl("get", "vms").fails("forbidden")
        elsewhere.kubectl("delete", "vm", "theirs").fails("forbidden")
        elsewhere.virtctl("start", "theirs").fails("forbidden")
        elsewhere.virtctl("console", "theirs").fails("forbidden")
        editor.kubectl("get", "nodes").fails("forbidden")
    finally:
        admin.kubectl("delete", "vm", "theirs").ok()
