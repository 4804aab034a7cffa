"""`localkube load`: images from tar files into the cluster's registry, so that every node can pull them.

A node that still has an older image under a loaded name forgets that name (not the image, which running pods use), so
that the next pod gets the new one also with imagePullPolicy IfNotPresent.
"""

from __future__ import annotations

from pathlib import Path

from localkube import node
from localkube.commands import run
from localkube.errors import Problem
from localkube.image_archive import Archive, Image, full_name
from localkube.layout import Layout, NodeSettings, Settings
from localkube.node_config import CONTAINERD_SOCKET
from localkube.registry import Registry, mirror


def load(layout: Layout, settings: Settings, paths: list[Path], *, under: str = "") -> list[str]:
    """Push every image of the archives; `under` is one name to use instead of those inside. Returns the names."""
    loaded = []
    with Registry(settings.registry) as registry:
        registry.wait()
        for path in paths:
            with Archive(path) as archive:
                for image, names in _named(archive, under):
                    for name in names:
                        mirror(layout, settings, name.split("/")[0])
                        registry.push(archive, image, name)
                        loaded.append(name)
        for each in settings.nodes:
            if node.is_running(layout, each):
                _forget_outdated(layout, each, registry, loaded)
    return loaded


def _named(archive: Archive, under: str) -> list[tuple[Image, list[str]]]:
    """The images of an archive with the names to load them under."""
    images = archive.images()
    if under and len(images) != 1:
        raise Problem(
            cause=f"{archive.path} holds {len(images)} images, and one name was given", remedy="load it without --as"
        )
    named = [(image, [full_name(under)] if under else image.names) for image in images]
    if not all(names for _, names in named):
        raise Problem(cause=f"an image in {archive.path} has no name", remedy="give it one with --as NAME")
    return named


def _forget_outdated(layout: Layout, each: NodeSettings, registry: Registry, names: list[str]) -> None:
    inside = ["nsenter", "--target", str(node.pid_in(layout, each)), "--all"]
    command = [*inside, str(layout.bin / "ctr"), "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io", "images"]
    try:
        lines = run(*command, "list", timeout_s=30).splitlines()[1:]
    except Problem:
        # A node whose containerd is not up yet will look its images up later.
        return
    present = {words[0]: words[2] for words in (line.split() for line in lines) if len(words) > 2}
    outdated = [name for name in names if name in present and present[name] != registry.digest(name)]
    if outdated:
        run(*command, "remove", *outdated, timeout_s=60)
