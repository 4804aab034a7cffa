"""Parts of the cluster-wide configuration in the KubeVirt object: request rates, logs, feature gates, TLS."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Int64, SetList, marks, one_of, required
from kubevirt.kit.quantity import Quantity


class TokenBucketRateLimiter(Api):
    """A steady rate with bursts."""

    burst: int = required(int)
    """Requests that may be sent at once."""
    qps: float = required(float)
    """Requests per second in the long run."""


class RateLimiter(Api):
    """Limits how fast requests are sent."""

    token_bucket_rate_limiter: TokenBucketRateLimiter | None = None
    """A steady rate with bursts."""


class RESTClientConfiguration(Api):
    """Requests to the API server."""

    rate_limiter: RateLimiter | None = None
    """Limits how fast requests are sent."""


class ReloadableComponentConfiguration(Api):
    """Settings that a program picks up while it runs."""

    rest_client: RESTClientConfiguration | None = None
    """Requests to the API server."""


class DiskVerification(Api):
    """Limits for the check of disk images."""

    memory_limit: Quantity = required(Quantity)
    """Memory that the check of one image may use."""


class LogVerbosity(Api):
    """How much each program logs."""

    node_verbosity: dict[str, int] = {}
    """Verbosity of virt-handler by node."""
    virt_api: int | None = None
    """Verbosity of virt-api."""
    virt_controller: int | None = None
    """Verbosity of virt-controller."""
    virt_handler: int | None = None
    """Verbosity of virt-handler."""
    virt_launcher: int | None = None
    """Verbosity of virt-launcher."""
    virt_operator: int | None = None
    """Verbosity of virt-operator."""
    virt_synchronization_controller: int | None = None
    """Verbosity of the synchronization controller."""


class DeveloperConfiguration(Api):
    """Feature gates and settings for development."""

    cluster_profiler: bool | None = None
    """Lets the programs be profiled together."""
    cpu_allocation_ratio: int | None = None
    """Virtual CPUs per requested CPU. The default is 10."""
    disabled_feature_gates: Annotated[list[str], Atomic] = []
    """Beta features that are turned off."""
    disk_verification: DiskVerification | None = None
    """Limits for the check of disk images."""
    feature_gates: Annotated[list[str], Atomic] = []
    """Features that are turned on."""
    log_verbosity: LogVerbosity | None = None
    """How much each program logs."""
    memory_overcommit: Annotated[int | None, marks(minimum=10)] = None
    """Guest memory in percent of the requested memory. The default is 100."""
    minimum_cluster_tsc_frequency: Int64 | None = None
    """TSC frequency, in Hz, that all nodes reach."""
    minimum_reserve_pvc_bytes: Int64 | None = None
    """Bytes of a claim that are left free for a disk image's own needs. The default is 131072."""
    node_selectors: dict[str, str] = {}
    """Labels that nodes with guests must have."""
    pvc_tolerate_less_space_up_to_percent: int | None = None
    """By how many percent a claim may be smaller than asked for. The default is 10."""
    use_emulation: bool | None = None
    """Runs guests in software emulation; for clusters without KVM."""


class TLSConfiguration(Api):
    """TLS settings of all servers."""

    ciphers: Annotated[list[str], SetList] = []
    """Cipher suites, by their IANA names; only for TLS 1.2."""
    min_tls_version: Annotated[
        str | None, one_of("VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13")
    ] = None
    """Oldest version of TLS."""
