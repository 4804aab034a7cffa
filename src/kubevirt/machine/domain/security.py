"""Guests whose memory the host cannot read: AMD SEV and its successors, Intel TDX."""

from __future__ import annotations

from kubevirt.api.domain import DomainSpec
from kubevirt.api.firmware import SEV
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.domain.xml import Element, el

QUOTE_SOCKET_ANNOTATION = "kubevirt.io/qgs-socket-path"
QUOTE_SOCKET = "/var/run/tdx-qgs/qgs.socket"
POLICY_NO_DEBUG = 0x1
POLICY_ENCRYPTED_STATE = 0x4
SNP_POLICY = 0x30000


def technology(domain: DomainSpec) -> str:
    """"sev", "sev-snp", "tdx", or "" for an ordinary guest."""
    given = domain.launch_security
    if given is None:
        return ""
    if given.snp is not None:
        return "sev-snp"
    if given.tdx is not None:
        return "tdx"
    return "sev" if given.sev is not None else ""


def has_encrypted_state(domain: DomainSpec) -> bool:
    """SEV-ES: the registers are encrypted too."""
    given = domain.launch_security
    return given is not None and given.sev is not None and given.sev.policy is not None \
        and bool(given.sev.policy.encrypted_state)


def launch_security(vmi: VirtualMachineInstance) -> Element | None:
    given = vmi.spec.domain.launch_security
    match technology(vmi.spec.domain):
        case "sev" if given is not None and given.sev is not None:
            return _sev(given.sev, encrypted_state=has_encrypted_state(vmi.spec.domain))
        case "sev-snp":
            return el("launchSecurity", el("policy", text=hex(SNP_POLICY)), type="sev-snp")
        case "tdx":
            path = vmi.metadata.annotations.get(QUOTE_SOCKET_ANNOTATION, QUOTE_SOCKET)
            return el("launchSecurity", el("quoteGenerationService", path=path), type="tdx")
    return None


def _sev(given: SEV, *, encrypted_state: bool) -> Element:
    policy = POLICY_NO_DEBUG | (POLICY_ENCRYPTED_STATE if encrypted_state else 0)
    root = el("launchSecurity", el("policy", text=hex(policy)), type="sev")
    if given.dh_cert:
        root.append(el("dhCert", text=given.dh_cert))
    if given.session:
        root.append(el("session", text=given.session))
    return root
