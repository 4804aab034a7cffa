"""What the resident launcher loads. Its memory is paid once per guest, so a stray import is a broken promise."""

import subprocess
import sys

LOAD = """
import sys, types
libvirt = sys.modules["libvirt"] = types.ModuleType("libvirt")  # comes with the image only
libvirt.__getattr__ = lambda name: Exception
import kubevirt.virt_launcher.__main__
import kubevirt.virt_launcher.launcher
print(*(name for name, module in sys.modules.items() if module is not None))
"""
KEPT_OUT = ("kubevirt.api", "kubevirt.kube", "kubevirt.machine.domain", "ssl", "_hashlib", "pycdlib", "xml", "argparse")


def test_the_resident_launcher_keeps_the_large_things_out() -> None:
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "kubevirt.virt_launcher.machine" in loaded
    assert [name for name in loaded if any(f"{name}.".startswith(f"{part}.") for part in KEPT_OUT)] == []
