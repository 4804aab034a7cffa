"""Every command's name, and every flag's name, short form and default: what scripts and habits rely on."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

import click
import pytest
from virtctl_cluster import Cluster

from kubevirt.virtctl.examples import EXAMPLES, examples_of
from kubevirt.virtctl.table import COMMANDS, CommandTable, LazyGroup

DRY, FORCE = {"--dry-run": False}, {"--force": False, "--grace-period": -1}
SSH = {"-l --username": None, "-i --identity-file": "", "-p --port": 22, "-t --local-ssh-opts": (), "--known-hosts": ""}
ADDED = {"--volume-name": "", "--persist": False, "--dry-run": False}
FILE, OUTPUT, NAME = {"-f --file": ""}, {"-o --output": "yaml"}, {"--name": ""}
USER = {"-u --user": "", "--secret": "", "--force": False}
INFERRED = {"--infer-instancetype": None, "--infer-instancetype-from": "", "--infer-preference": None,
            "--infer-preference-from": ""}  # fmt: skip
FLAGS: dict[str, Mapping[str, object]] = {
    "addvolume": {**ADDED, "--disk-name": "", "--serial": "", "--cache": "", "--disk-type": "disk", "--bus": "scsi"},
    "adm log-verbosity": {"--virt-api": None, "--virt-controller": None, "--virt-handler": None,
                          "--virt-launcher": None, "--virt-operator": None, "--all": None, "--reset": False},
    "completion bash": {"--no-descriptions": False},
    "completion fish": {"--no-descriptions": False},
    "completion powershell": {"--no-descriptions": False},
    "completion zsh": {"--no-descriptions": False},
    "console": {"--timeout": 5},
    "create clone": {**NAME, "--source-name": "", "--target-name": "", "--source-type": "vm", "--target-type": "vm",
                     "--label-filter": (), "--annotation-filter": (), "--template-label-filter": (),
                     "--template-annotation-filter": (), "--new-mac-address": (), "--new-smbios-serial": ""},
    "create instancetype": {**NAME, "--cpu": 0, "--memory": "", "--namespaced": False, "--gpu": (), "--hostdevice": (),
                            "--iothreadspolicy": ""},
    "create preference": {**NAME, "--namespaced": False, "--cpu-topology": "", "--machine-type": "",
                          "--volume-storage-class": ""},
    "create vm": {**NAME, "--run-strategy": "Always", "--termination-grace-period": 180, "--memory": None,
                  "--instancetype": "", "--preference": "", **INFERRED, "--volume-containerdisk": (),
                  "--volume-pvc": (), "--volume-import": (), "--volume-sysprep": "", "--user": "",
                  "--password-file": "", "--ssh-key": (), "--ga-manage-ssh": None, "--access-cred": (),
                  "--cloud-init": None, "--cloud-init-user-data": "", "--cloud-init-network-data": "",
                  "--volume-datasource": (), "--volume-clone-pvc": (), "--volume-blank": ()},
    "credentials add-ssh-key": {**USER, **FILE, "--value": "", "--create-secret": False, "--update-secret": False},
    "credentials remove-ssh-key": {**USER, **FILE, "--value": ""},
    "credentials set-password": {**USER, "-p --password": ""},
    "evacuate-cancel": DRY,
    "expand": {"--vm": "", **FILE, **OUTPUT},
    "expose": {"--name": "", "--port": 0, "--target-port": "", "--protocol": "TCP", "--port-name": "",
               "--type": "ClusterIP", "--cluster-ip": "", "--external-ip": "", "--ip-family": "",
               "--ip-family-policy": ""},
    "fslist": {},
    "guestfs": {"--image": "", "--pull-policy": "IfNotPresent", "--kvm": True, "--root": False, "--uid": "",
                "--gid": "", "--fsGroup": "", "--vm": ""},
    "guestosinfo": {},
    "image-upload": {"--image-path": "", "--archive-path": "", "--size": "", "--no-create": False,
                     "--uploadproxy-url": "", "--wait-secs": 300, "--datasource": False, "--storage-class": "",
                     "--access-mode": "", "--volume-mode": "", "--force-bind": False, "--insecure": False,
                     "--retry": 5, "--default-instancetype": "", "--default-instancetype-kind": "",
                     "--default-preference": "", "--default-preference-kind": "", "--pvc-name": "", "--pvc-size": "",
                     "--block-volume": False},
    "memory-dump": {"--claim-name": "", "--create-claim": False, "--storage-class": "", "--access-mode": "",
                    "--output": "", "--format": "", "--port-forward": False, "--local-port": 0},
    "migrate": {**DRY, "--addedNodeSelector": ()},
    "migrate-cancel": DRY,
    "objectgraph": {"--vmi": False, "--exclude-optional": False, "--selector": (), "-o --output": "json"},
    "pause": DRY,
    "permitted-devices": {},
    "port-forward": {"--stdio": False, "--address": "127.0.0.1"},
    "removevolume": ADDED,
    "reset": {},
    "restart": {**DRY, **FORCE},
    "scp": {**SSH, "-r --recursive": False, "--preserve": False},
    "soft-reboot": {},
    "ssh": {**SSH, "-c --command": ""},
    "start": {**DRY, "--paused": False},
    "stop": {**DRY, **FORCE},
    "template convert": {**NAME, **FILE, **OUTPUT},
    "template create": {**NAME, "--vm-name": "", "--vm-namespace": ""},
    "template process": {**NAME, **FILE, **OUTPUT, "-p --param": (), "--params-file": "", "--local": False,
                         "--create": False, "--print-params": False},
    "unpause": DRY,
    "usbredir": {"--no-launch": False},
    "userlist": {},
    "version": {"-c --client": False},
    "vmexport": {"--vm": "", "--snapshot": "", "--pvc": "", "--vmtemplate": "", "--ttl": "", "--labels": (),
                 "--annotations": (), "--output": "", "--volume": "", "--format": "gzip", "--insecure": False,
                 "--keep-vme": False, "--delete-vme": False, "--service-url": "", "--port-forward": False,
                 "--local-port": 0, "--retry": 0, "--readiness-timeout": "2m", "--manifest": False,
                 "--include-secret": False, "--manifest-output-format": ""},
    "vnc": {"--address": "127.0.0.1", "--port": 0, "--proxy-only": False, "--preserve-session": False,
            "--vnc-type": "", "--vnc-path": ""},
    "vnc screenshot": {"-f --file": "", "-m --move-cursor": False},
}  # fmt: skip
REQUIRED = {
    "addvolume": "volume-name", "removevolume": "volume-name", "create clone": "source-name",
    "create instancetype": "cpu memory", "credentials add-ssh-key": "user", "credentials remove-ssh-key": "user",
    "credentials set-password": "password user", "expose": "name", "template create": "vm-name",
    "vnc screenshot": "file",
}  # fmt: skip
GLOBAL = {
    "--kubeconfig", "--context", "--cluster", "--user", "-n --namespace", "-s --server", "--token", "--username",
    "--password", "--client-certificate", "--client-key", "--certificate-authority", "--insecure-skip-tls-verify",
    "--disable-compression", "--tls-server-name", "--proxy-url", "--as", "--as-uid", "--as-group", "--request-timeout",
    "-v --v",
}  # fmt: skip
OURS = {"doctor", "render", "top", "why"}


def commands() -> dict[str, click.Command]:
    """Every command below the root, with the groups' in their place."""
    root, found = CommandTable(), {}
    context = root.make_context("virtctl", [])
    for name in COMMANDS:
        here = root.get_command(context, name)
        assert here is not None
        if isinstance(here, LazyGroup):
            for below in here.table:
                found[f"{name} {below}"] = here.get_command_from(*here.table[below][:2])
        else:
            found[name] = here
    found["vnc screenshot"] = root.get_command_from("vnc", "screenshot")
    return found


KNOWN = commands()


def test_the_commands() -> None:
    assert set(KNOWN) - OURS == set(FLAGS)


def written(option: click.Option) -> str:
    """A flag as the table writes it."""
    return " ".join(sorted((name for name in option.opts if name.startswith("-")), key=len))


@pytest.mark.parametrize("name", FLAGS)
def test_the_flags(name: str) -> None:
    options = [param for param in KNOWN[name].params if isinstance(param, click.Option)]
    flags = {written(option): option for option in options}
    own = {flag: option for flag, option in flags.items() if flag not in GLOBAL or flag in FLAGS[name]}
    assert set(own) == set(FLAGS[name])
    context = click.Context(KNOWN[name])
    for flag, option in own.items():
        default = option.get_default(context)
        expected = FLAGS[name][flag]
        assert option.multiple == (expected == ()), flag
        if not option.multiple and not option.required:
            assert default == expected, flag
    hidden_behind_own = {flag.split()[-1] for flag in FLAGS[name]}
    missing = {flag for flag in GLOBAL - set(flags) if flag.split()[-1] not in hidden_behind_own}
    assert not missing, "every command takes the global flags"


@pytest.mark.parametrize(("name", "flags"), REQUIRED.items())
def test_required_flags(name: str, flags: str, cluster: Cluster) -> None:
    wanted = ", ".join(f'"{flag}"' for flag in flags.split())
    done = cluster.run(name)
    assert (done.code, done.err) == (1, f"required flag(s) {wanted} not set\n")


@pytest.mark.parametrize("name", KNOWN)
def test_help_of_a_command(name: str, cluster: Cluster) -> None:
    """What it is for, how it is used, an example, what each of its flags does."""
    done = cluster.run(f"{name} --help")
    assert (done.code, done.err) == (0, "")
    first, _, rest = done.out.partition("\n")
    assert first.strip(), "what it is for"
    assert f"\nUsage:\n  virtctl {name}" in f"\n{rest}"
    assert "\nExamples:\n" in rest
    for option in KNOWN[name].params:
        if isinstance(option, click.Option) and not option.hidden:
            assert max(option.opts, key=len) in rest
            assert option.help, option.opts
    assert 'Use "virtctl options" for a list of global command-line options (applies to all commands).' in " ".join(
        done.out.split())  # fmt: skip
    assert cluster.run(f"help {name}").out == done.out or name == "vnc screenshot"


@pytest.mark.parametrize("name", KNOWN)
def test_examples_can_be_typed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click.Command, "invoke", lambda *_: None)
    lines = [line for _, text in EXAMPLES[name] for line in text.splitlines() if line.startswith("@")]
    assert lines or name.startswith("completion")
    for line in lines:
        words = shlex.split(line.partition(" | ")[0])[1:]
        KNOWN[name].make_context(name, words[len(name.split()) :] if " ".join(words).startswith(name) else ["?"])


def test_examples_of_a_plugin() -> None:
    assert examples_of("start", "kubectl virt").startswith("  # Start web\n  kubectl virt start web\n")


def test_options_of_all_commands(cluster: Cluster) -> None:
    done = cluster.run("options")
    assert (done.code, done.out.splitlines()[0]) == (0, "The following options can be passed to any command:")
    for flag in GLOBAL:
        assert ", ".join(flag.split()) in done.out


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("foo", 'unknown command "foo" for "virtctl"'),
        ("start a --foo", "unknown flag: --foo"),
        ("start a -x", "unknown shorthand flag: 'x' in -x"),
        ("version x", 'unknown command "x" for "virtctl version"'),
        ("console", "accepts 1 arg(s), received 0"),
        ("start", "accepts 1 arg(s), received 0"),
        ("start a b c", "accepts between 1 and 2 arg(s), received 3"),
        ("template process a b", "accepts at most 1 arg(s), received 2"),
        ("pause vm a b", "accepts between 1 and 2 arg(s), received 3"),
        ("console a --timeout soon", "invalid argument for \"--timeout\" flag: 'soon' is not a valid integer."),
        ("console a --timeout", "flag needs an argument: --timeout"),
        ("start a --paused=maybe", 'invalid argument "maybe" for "--paused" flag: it is either true or false'),
        ("start a --request-timeout soon", 'invalid argument "soon" for "--request-timeout" flag: '),
    ],
)
def test_lines_that_cannot_be_parsed(cluster: Cluster, command: str, error: str) -> None:
    done = cluster.run(command)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(error)


def test_near_names(cluster: Cluster) -> None:
    assert cluster.run("consol").err == 'unknown command "consol" for "virtctl"\n\nDid you mean this?\n\tconsole\n\n'


@pytest.mark.parametrize("group", ["adm", "completion", "create", "credentials", "template"])
def test_groups_show_their_usage(cluster: Cluster, group: str) -> None:
    for words in (group, f"{group} nonsense"):
        done = cluster.run(words)
        assert (done.code, done.err) == (0, "")
        assert f"  virtctl {group} [command]" in done.out
        assert "Available Commands:" in done.out
