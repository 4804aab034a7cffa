"""The VMI controller: gives a VirtualMachineInstance its launcher pod, and tells what the pod tells about it."""
