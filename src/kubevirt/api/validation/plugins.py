"""Rules for plugins: hooks that say one thing, at points of a machine's life that there are.

Expressions are only read by what runs them; here no more is known of them than that they are there.
"""

from kubevirt.api.config import ClusterConfig
from kubevirt.api.plugin import DomainHook, NodeHook, Plugin
from kubevirt.api.validation.causes import Cause, Causes, invalid, not_supported

FAILURE_STRATEGIES = ("Fail", "Ignore")
HOOKS = (
    "PreVMStart",
    "PostVMStart",
    "PreVMStop",
    "PostVMStop",
    "PreMigrationSource",
    "PostMigrationSource",
    "PreMigrationTarget",
    "PostMigrationTarget",
)
SOCKETS = "/var/run/kubevirt-plugin"
LONGEST_SOCKET = 108
NO_EFFECT = "no hooks or admission references are defined; this plugin will have no effect"


def plugin_obstacle(config: ClusterConfig) -> str:
    """Why there can be no plugins, or an empty text."""
    return "" if config.has_gate("Plugins") else "Plugins feature gate is not enabled"


def validate_plugin(plugin: Plugin) -> list[Cause]:
    """What is wrong with a plugin."""
    return list(_rules(plugin))


def plugin_warnings(plugin: Plugin) -> list[str]:
    """What is accepted, but hardly meant."""
    spec = plugin.spec
    parts = (
        spec.domain_hooks,
        spec.node_hooks,
        spec.mutating_admission_policies,
        spec.mutating_admission_webhooks,
        spec.validating_admission_policies,
        spec.validating_admission_webhooks,
    )
    return [] if any(parts) else [NO_EFFECT]


def _rules(plugin: Plugin) -> Causes:
    spec = plugin.spec
    yield from _failure_strategy("spec", spec.failure_strategy)
    for index, hook in enumerate(spec.domain_hooks):
        yield from _domain_hook(f"spec.domainHooks[{index}]", hook, plugin.metadata.name)
    for index, node_hook in enumerate(spec.node_hooks):
        yield from _node_hook(f"spec.nodeHooks[{index}]", node_hook, plugin.metadata.name)


def _domain_hook(at: str, hook: DomainHook, name: str) -> Causes:
    if (hook.cel is None) == (hook.sidecar is None):
        yield invalid(at, "exactly one of cel, sidecar must be set")
    yield from _failure_strategy(at, hook.failure_strategy)
    if hook.sidecar is not None:
        yield from _socket(f"{at}.sidecar.socketPath", hook.sidecar.socket_path, name)


def _node_hook(at: str, hook: NodeHook, name: str) -> Causes:
    yield from _failure_strategy(at, hook.failure_strategy)
    for index, point in enumerate(hook.permitted_hooks):
        if point not in HOOKS:
            yield not_supported(
                f"{at}.permittedHooks[{index}]", f"hook {point} is not one of: {', '.join(HOOKS)}"
            )
    yield from _socket(f"{at}.socket", hook.socket, name)


def _failure_strategy(at: str, strategy: str | None) -> Causes:
    if strategy and strategy not in FAILURE_STRATEGIES:
        yield not_supported(
            f"{at}.failureStrategy", f"failureStrategy {strategy} is not one of: {', '.join(FAILURE_STRATEGIES)}"
        )


def _socket(at: str, path: str, name: str) -> Causes:
    """Each plugin has a directory of its own; the kernel takes no longer paths of sockets."""
    inside = path.startswith(f"{SOCKETS}/{name}/") and ".." not in path.split("/")
    if not (inside and path.endswith(".sock")):
        yield invalid(at, f"socket path must be under {SOCKETS}/{name}/ and end with .sock")
    if len(path) > LONGEST_SOCKET:
        yield invalid(at, f"socket path must have at most {LONGEST_SOCKET} characters")
