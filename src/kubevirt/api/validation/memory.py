"""Rules for memory."""

from kubevirt.api.config import ClusterConfig
from kubevirt.api.domain import DomainSpec
from kubevirt.api.validation.causes import Causes, invalid, required
from kubevirt.kit.errors import Refused
from kubevirt.kit.quantity import GRAMMAR_HINT, Quantity

ZERO = Quantity(0)
SMALLEST_REQUEST = Quantity("1M")


def check_requests(field: str, domain: DomainSpec) -> Causes:
    """Amounts are not negative, and what is requested is not more than what is allowed."""
    request = domain.resources.requests.get("memory", ZERO)
    limit = domain.resources.limits.get("memory", ZERO)
    at_request, at_limit = f"{field}.resources.requests.memory", f"{field}.resources.limits.memory"
    if request < ZERO:
        yield invalid(at_request, f"{at_request} '{request}': must be greater than or equal to 0.")
    elif ZERO < request < SMALLEST_REQUEST:
        yield invalid(at_request, f"{at_request} '{request}': must be greater than or equal to 1M.")
    if limit < ZERO:
        yield invalid(at_limit, f"{at_limit} '{limit}': must be greater than or equal to 0.")
    if limit and request > limit:
        yield invalid(at_request, f"{at_request} '{request}' is greater than {at_limit} '{limit}'")


def check_hugepages(field: str, domain: DomainSpec) -> Causes:
    """Memory is a multiple of the page size."""
    memory = domain.memory
    if memory is None or memory.hugepages is None:
        return
    at, text = f"{field}.memory.hugepages.pageSize", memory.hugepages.page_size or ""
    try:
        page = Quantity(text)
    except Refused:
        yield invalid(at, f"{at} '{text}': {GRAMMAR_HINT}")
        return
    at_amount, amount = f"{field}.resources.requests.memory", domain.resources.requests.get("memory")
    if not amount:
        at_amount, amount = f"{field}.memory.guest", memory.guest
    if not amount or not page:
        return
    if amount < page:
        yield invalid(at_amount, f"{at_amount} '{amount}' must be equal to or larger than page size {at} '{text}'")
    elif amount.bytes % page.bytes:
        yield invalid(at_amount, f"{at_amount} '{amount}' is not a multiple of the page size {at} '{text}'")


def check_guest(field: str, domain: DomainSpec, config: ClusterConfig) -> Causes:
    """The guest's memory fits into the pod's, which grows with the guest's where that is changed while it runs."""
    if config.live_update:
        return
    guest = domain.memory.guest if domain.memory is not None else None
    limit = domain.resources.limits.get("memory")
    if guest is not None and limit and guest > limit:
        at = f"{field}.memory.guest"
        yield invalid(
            at,
            f"{at} '{guest}' must be equal to or less than the memory limit "
            f"{field}.resources.limits.memory '{limit}'",
        )


def check_given(field: str, domain: DomainSpec) -> Causes:
    """Some amount of memory is named."""
    memory = domain.memory
    if memory is not None and (memory.guest is not None or memory.hugepages is not None):
        return
    if not domain.resources.requests.get("memory"):
        at = f"{field}.resources.requests.memory"
        yield required(
            "",
            f"no memory requested, at least one of '{field}.memory.guest', '{field}.memory.hugepages.size' or "
            f"'{at}' must be set",
        )
