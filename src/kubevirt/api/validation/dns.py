"""Rules for the names and the name resolution of instances."""

from ipaddress import ip_address

from kubevirt.api.references import PodDNSConfig
from kubevirt.api.validation.causes import Causes, invalid, not_supported, required
from kubevirt.api.validation.kubernetes_names import dns_label_faults, dns_subdomain_faults
from kubevirt.api.vmi import VirtualMachineInstanceSpec

POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
SEARCHES = "searchDomains"
MAX_NAMESERVERS = 3
MAX_SEARCHES = 6
MAX_SEARCH_LENGTH = 256


def check_host_names(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """Host name and sub-domain can stand in DNS."""
    if spec.hostname and (faults := dns_label_faults(spec.hostname)):
        at = f"{field}.hostname"
        yield invalid(at, f"{at} does not conform to the kubernetes DNS_LABEL rules : {', '.join(faults)}")
    if spec.subdomain and (faults := dns_subdomain_faults(spec.subdomain)):
        at = f"{field}.subdomain"
        yield invalid(at, f"{at} does not conform to the kubernetes DNS_SUBDOMAIN rules : {', '.join(faults)}")


def check_dns(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """Policy and resolver settings are what Kubernetes takes for a pod."""
    policy, config = spec.dns_policy, spec.dns_config
    if policy and policy not in POLICIES:
        yield not_supported(
            f"{field}.dnsPolicy", f"DNSPolicy: {policy} is not supported, valid values: [{' '.join(POLICIES)} ]"
        )
    if policy == "None":
        if config is None:
            yield required(f"{field}.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None")
            return
        if not config.nameservers:
            yield required("nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")
            return
    if config is not None:
        yield from _config(config)


def _config(config: PodDNSConfig) -> Causes:
    if len(config.nameservers) > MAX_NAMESERVERS:
        given = " ".join(config.nameservers)
        yield invalid("nameservers", f"must not have more than {MAX_NAMESERVERS} nameservers: [{given}]")
    for server in config.nameservers:
        if not _is_address(server):
            yield invalid("nameservers", f"must be valid IP address: {server}")
    if len(config.searches) > MAX_SEARCHES:
        yield invalid(SEARCHES, f"must not have more than {MAX_SEARCHES} search paths")
    if len(" ".join(config.searches)) > MAX_SEARCH_LENGTH:
        yield invalid(
            SEARCHES, f"must not have more than {MAX_SEARCH_LENGTH} characters (including spaces) in the search list"
        )
    for search in config.searches:
        for fault in dns_subdomain_faults(search.removesuffix(".")):
            yield invalid(SEARCHES, fault)
    for option in config.options:
        if not option.name:
            yield invalid("options", "Option.Name must not be empty")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text
