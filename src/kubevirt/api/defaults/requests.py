"""Defaults of objects that ask for something to be done once: migrations and clones."""

import secrets
from collections.abc import Callable

from kubevirt.api import codec, names
from kubevirt.api.clone import VirtualMachineClone
from kubevirt.api.migration import VirtualMachineInstanceMigration
from kubevirt.api.references import TypedLocalObjectReference

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes' own for random names: no vowels and nothing that looks like another character."""


def random_suffix() -> str:
    """Five characters for the end of a name."""
    return "".join(secrets.choice(ALPHABET) for _ in range(5))


def default_migration(migration: VirtualMachineInstanceMigration) -> VirtualMachineInstanceMigration:
    """The migration with the label by which those of an instance are found, and kept until it is cleaned up after."""
    migration = codec.clone(migration)
    if migration.spec.vmi_name:
        migration.metadata.labels[names.LABEL_VMI_NAME] = migration.spec.vmi_name
    if names.FINALIZER_MIGRATION not in migration.metadata.finalizers:
        migration.metadata.finalizers.append(names.FINALIZER_MIGRATION)
    return migration


def default_clone(
    clone: VirtualMachineClone, *, make_suffix: Callable[[], str] = random_suffix
) -> VirtualMachineClone:
    """The clone with a name for the copy."""
    clone = codec.clone(clone)
    source, target = clone.spec.source, clone.spec.target
    if not source.name or (target is not None and target.name):
        return clone
    clone.spec.target = target = target or TypedLocalObjectReference()
    target.api_group = target.api_group or names.GROUP
    target.kind = target.kind or "VirtualMachine"
    target.name = f"clone-{source.name}-{make_suffix()}"
    return clone
