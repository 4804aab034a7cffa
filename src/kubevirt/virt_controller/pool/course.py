"""What may be done when: revisions before what names them, the number of machines before their template."""

from __future__ import annotations

from kubevirt.virt_controller.pool import revisions as revision
from kubevirt.virt_controller.pool import scale, update
from kubevirt.virt_controller.pool.membership import Groups
from kubevirt.virt_controller.pool.observed import Observed
from kubevirt.virt_controller.pool.revisions import Revisions


def record_for_new(o: Observed) -> Groups:
    """New machines will name the present revision, so it must be there."""
    revisions = Revisions(o)
    return _record(o, revisions) if scale.scale_out(o, revisions) else ()


def scale_out(o: Observed) -> Groups:
    """New machines."""
    return scale.scale_out(o, Revisions(o))


def is_stable(o: Observed) -> bool:
    """The number of machines is as it should be, or as near to it as the strategy lets the pool bring it."""
    return o.surplus >= 0 and not scale.scale_in(o)


def record_for_outdated(o: Observed) -> Groups:
    """Changed machines will name the present revision."""
    revisions = Revisions(o)
    return _record(o, revisions) if is_stable(o) and update.outdated(o, revisions) else ()


def update_machines(o: Observed) -> Groups:
    """The present template for machines that do not have it."""
    return update.update_machines(o, Revisions(o)) if is_stable(o) else ()


def update_guests(o: Observed) -> Groups:
    """Guests are restarted for what has changed."""
    return update.update_guests(o, Revisions(o)) if is_stable(o) else ()


def prune(o: Observed) -> Groups:
    """Revisions that nobody needs any more."""
    done = not o.is_at_rest and is_stable(o) and not update.outdated(o, Revisions(o))
    return revision.prune(o) if done else ()


def _record(o: Observed, revisions: Revisions) -> Groups:
    return () if revisions.has_current else ((revision.record(o.pool),),)
