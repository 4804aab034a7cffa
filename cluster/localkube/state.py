"""What runs of a cluster and what does not: one line per program and node. It only looks, and takes no lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from localkube import controlplane, network, node
from localkube.layout import Layout, NodeSettings, Settings


@dataclass(frozen=True, kw_only=True)
class ComponentStatus:
    """One line of `status`."""

    where: str
    name: str
    state: str
    good: bool


def look(layout: Layout, settings: Settings, ready_nodes: Callable[[], Mapping[str, bool]]) -> list[ComponentStatus]:
    """Every component. `ready_nodes` asks the API server which nodes are Ready; only a living one is asked."""
    alive = controlplane.is_running(layout)
    run_dir = layout.control_plane / "run" / "programs"
    found = [
        _program("control plane", name, good=alive and (run_dir / f"{name}.pid").exists())
        for name in controlplane.PROGRAMS
    ]
    ready = ready_nodes() if alive and controlplane.api_says_ready(layout, settings) else {}
    for each in settings.nodes:
        found += _node(layout, each, is_ready=bool(ready.get(each.name)))
    return found


def _node(layout: Layout, each: NodeSettings, *, is_ready: bool) -> Iterator[ComponentStatus]:
    on = node.first_process(layout, each) is not None
    plugged = network.is_plugged(layout, each)
    state = "off" if not on else "cut off" if not plugged else "Ready" if is_ready else "not ready"
    yield ComponentStatus(where=each.name, name="node", state=state, good=state == "Ready")
    for program in node.PROGRAMS if on else ():
        good = (layout.node(each.name).run / "programs" / f"{program}.pid").exists()
        yield _program(each.name, program, good=good)


def _program(where: str, name: str, *, good: bool) -> ComponentStatus:
    return ComponentStatus(where=where, name=name, state="running" if good else "off", good=good)
