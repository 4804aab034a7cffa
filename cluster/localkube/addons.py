"""What every cluster gets: DNS, storage classes, kube-proxy's rights. YAML files beside this module, for kubectl."""

from __future__ import annotations

from importlib.resources import files
from string import Template

from localkube import node_config, own_images
from localkube.commands import run
from localkube.image_archive import Archive
from localkube.layout import Layout, Settings
from localkube.registry import Registry, mirror


def load_own_images(layout: Layout, settings: Settings, registry: Registry) -> None:
    """Make the pause and CoreDNS images, where the registry does not have those of these very programs."""
    for name, program in ((node_config.PAUSE_IMAGE, "pause"), (own_images.COREDNS_IMAGE, "coredns")):
        binary = (layout.bin / program).resolve()
        stamp = layout.control_plane / f"{program}.image"
        if stamp.exists() and stamp.read_text() == str(binary) and registry.digest(name):
            continue
        path = layout.control_plane / f"{program}.tar"
        own_images.write(path, name=name, program=layout.bin / program)
        with Archive(path) as archive:
            for image in archive.images():
                registry.push(archive, image, name)
        path.unlink()
        mirror(layout, settings, name.split("/")[0])
        stamp.write_text(str(binary))


def apply(layout: Layout, settings: Settings) -> None:
    """Apply every manifest; a second time changes nothing."""
    outside = any(line.startswith("nameserver") for line in node_config.name_servers().splitlines())
    values = {
        "COREDNS_IMAGE": own_images.COREDNS_IMAGE,
        "DNS_ADDRESS": str(settings.dns_address),
        "FORWARD": "forward . /etc/resolv.conf" if outside else "",
    }
    folder = files("localkube").joinpath("addons")
    manifests = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    text = "\n---\n".join(Template(folder.joinpath(name).read_text()).substitute(values) for name in manifests)
    run(
        layout.bin / "kubectl", f"--kubeconfig={layout.kubeconfig}",
        "apply", "--server-side", "--force-conflicts", "-f", "-",
        input_text=text, remedy="see 'localkube logs kube-apiserver'",
    )  # fmt: skip
