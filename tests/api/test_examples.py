"""Every manifest under examples/ is taken by the real API server, its webhooks included, without a word of warning.

The namespace lets no pod in, so that nothing starts: what examples become is for the end-to-end tests.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
NAMESPACE = "examples"
EXPECTED_WARNINGS = {"vm-cirros.yaml": "spec.running"}  # the user guide's way, which is deprecated
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def kubectl(kubeconfig: str) -> Iterator[Kubectl]:
    program = shutil.which("kubectl") or str(ROOT / ".venv/bin/localkube")
    words = [program] if program.endswith("kubectl") else [program, "kubectl"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*words, "--kubeconfig", kubeconfig, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert run("create", "namespace", NAMESPACE).returncode == 0
    assert run("-n", NAMESPACE, "create", "quota", "no-pods", "--hard=pods=0").returncode == 0
    yield run
    run("delete", "namespace", NAMESPACE, "--timeout=100s")


@pytest.mark.parametrize("manifest", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_admitted(manifest: Path, kubectl: Kubectl) -> None:
    done = kubectl("-n", NAMESPACE, "create", "--validate=strict", "-f", str(manifest))
    assert done.returncode == 0, done.stderr
    assert EXPECTED_WARNINGS.get(manifest.name, "") in done.stderr
    if manifest.name not in EXPECTED_WARNINGS:
        assert not done.stderr, done.stderr
