"""Every image of the project by the name of its tar."""

from collections.abc import Callable, Sequence

from images import oci, small, virt
from images.oci import Image
from images.steps import CannotBuild, step

IMAGES: dict[str, Callable[[], Image]] = {
    "virt": virt.image,
    "busybox": small.busybox,
    "cirros-container-disk-demo": small.cirros_disk,
    "broken-container-disk": small.broken_disk,
}
NAMES = tuple(IMAGES)


def build(names: Sequence[str]) -> None:
    """Builds the named images, or all of them, where they are not current."""
    if unknown := set(names) - set(NAMES):
        raise CannotBuild(f"no such image: {', '.join(sorted(unknown))}", remedy=f"the images are {', '.join(NAMES)}")
    with step("building images"):
        for name in names or NAMES:
            image = IMAGES[name]()
            target = oci.write(image, name)
            size = sum(layer.size for layer in image.layers) / 1e6
            unpacked = sum(layer.unpacked_size for layer in image.layers) / 1e6
            print(f"images: {target.name}: {image.reference}, {size:.0f} MB ({unpacked:.0f} MB unpacked)", flush=True)
