"""Rules for Hyper-V enlightenments: some need others."""

from kubevirt.api.domain import FeatureHyperv, FeatureState, SyNICTimer, TLBFlush
from kubevirt.api.validation.causes import Causes, invalid, required
from kubevirt.api.vmi import VirtualMachineInstanceSpec

_Switch = FeatureState | SyNICTimer | TLBFlush


def check_hyperv(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """All rules about enlightenments."""
    features, at = spec.domain.features, f"{field}.domain.features.hyperv"
    hyperv = features.hyperv if features is not None else None
    if features is None or hyperv is None:
        return
    passthrough = features.hyperv_passthrough
    if passthrough is not None and passthrough.enabled is not False:
        yield invalid(
            at,
            "Cannot explicitly set hyperV features if HypervPassthrough is being used. "
            "Please use either HyperV or HypervPassthrough.",
        )
    needs: list[tuple[str, _Switch | None, str, _Switch | None]] = [
        ("synic", hyperv.synic, "vpindex", hyperv.vpindex),
        ("synictimer", hyperv.synictimer, "synic", hyperv.synic),
        ("ipi", hyperv.ipi, "vpindex", hyperv.vpindex),
        ("tlbflush", hyperv.tlbflush, "vpindex", hyperv.vpindex),
        ("evmcs", hyperv.evmcs, "vapic", hyperv.vapic),
    ]
    for name, feature, needed, given in needs:
        if feature is None or feature.enabled is False:
            continue
        if given is None:
            yield required(f"{at}.{needed}", f"'{at}.{needed}' is missing")
        elif given.enabled is False:
            yield invalid(f"{at}.{name}", f"'{at}.{name}' requires '{at}.{needed}', which was disabled.")
    yield from _evmcs(field, spec, hyperv)


def _evmcs(field: str, spec: VirtualMachineInstanceSpec, hyperv: FeatureHyperv) -> Causes:
    if hyperv.evmcs is None or hyperv.evmcs.enabled is False:
        return
    cpu, at = spec.domain.cpu, f"{field}.domain.cpu.features"
    vmx = next((feature for feature in cpu.features if feature.name == "vmx"), None) if cpu is not None else None
    if vmx is None:
        yield required(at, "vmx cpu feature is required when evmcs is set")
    elif vmx.policy != "require":
        yield invalid(at, "vmx cpu feature has to be set to require policy")
