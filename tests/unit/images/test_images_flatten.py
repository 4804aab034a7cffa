"""The guest's YAML and JSON reader, against PyYAML: what both read must be the same."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

SCRIPT = Path(__file__).parents[3] / "guests/cirros/root/usr/lib/cirros/flatten.awk"

pytestmark = pytest.mark.skipif(shutil.which("awk") is None, reason="needs awk (Debian package mawk)")


def flattened(text: str) -> dict[str, str]:
    done = subprocess.run(["awk", "-f", str(SCRIPT)], input=text, capture_output=True, text=True, check=True)
    lines = [line.partition("\t") for line in done.stdout.splitlines()]
    return {path: value.encode().decode("unicode_escape") for path, _, value in lines}


def expected(value: object, path: str = "") -> dict[str, str]:
    below = f"{path}/" if path else ""
    if isinstance(value, dict):
        return {k: v for name, item in value.items() for k, v in expected(item, f"{below}{name}").items()}
    if isinstance(value, list):
        return {k: v for i, item in enumerate(value) for k, v in expected(item, f"{below}{i}").items()}
    return {path: "" if value is None else str(value)}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("#cloud-config\n# only a comment\n", id="comments"),
        pytest.param("hostname: web # why\nfqdn: 'web.example.org'\n", id="scalars"),
        pytest.param('password: "a: \\"b\\" # c\\n"\n', id="double quotes"),
        pytest.param("password: 'it''s'\n", id="single quotes"),
        pytest.param("ssh_authorized_keys:\n- ssh-rsa AAAA a@b\n- ssh-ed25519 BBBB\n", id="list at its key's depth"),
        pytest.param("a:\n  b:\n    - c: 1\n      d: 2\n    - c: 3\n  e: 4\n", id="nested"),
        pytest.param("runcmd:\n  - [ls, -l, \"/a b\"]\n  - - touch\n    - /x\n  - echo hi\n", id="commands"),
        pytest.param("chpasswd: {expire: False, list: ['a:b', c]}\n", id="flow style"),
        pytest.param("chpasswd:\n  list: |\n    root:one\n    cirros:two\n  expire: False\n", id="literal text"),
        pytest.param("content: |\n  first\n    deeper \\d\n\n  last\n\nnext: 1\n", id="literal text with empty lines"),
        pytest.param("content: |-\n  no newline\nb: >-\n  folded\n  text\n", id="stripped and folded"),
        pytest.param("a:\nb: ~\nc: null\nd: ''\n", id="nothing in many ways"),
        pytest.param("text: one\n  two\n  three\n", id="a plain value over lines"),
        pytest.param('{"instance-id": "x.y", "keys": {"0": "ssh-rsa \\u003c a"}, "n": [1, {"m": "t"}]}', id="json"),
        pytest.param('{\n  "links": [\n    {"id": "eth0", "mtu": 1400}\n  ]\n}\n', id="json over lines"),
        pytest.param("---\nversion: 2\nethernet:\n  eth0:\n    addresses: [ 10.0.0.2/24, fd00::2/64 ]\n", id="network"),
    ],
)  # fmt: skip
def test_reads_what_pyyaml_reads(text: str) -> None:
    loaded = yaml.load(text, Loader=yaml.BaseLoader) if "null" not in text else yaml.safe_load(text)  # noqa: S506
    assert flattened(text) == (expected(loaded) if loaded else {})
