"""virt-controller: makes machines of objects. A VM becomes a VMI, a VMI becomes a launcher pod.

Every controller here has the same shape: `observe` gathers from caches, `decide` (pure) says what to do, `act` does it,
and a second pure step says what the object's status should now read. Nothing is remembered between two looks but what
stands in the API objects.
"""
