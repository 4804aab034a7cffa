"""The launcher's command line. By hand: argparse alone would be a twentieth of what a launcher keeps in memory."""


import msgspec

from kubevirt.kit.errors import Refused

USAGE = (
    "virt-launcher --name NAME --namespace NAMESPACE --uid UID [--grace-period-seconds N] [--allow-emulation]"
    " [--keep-after-failure] [--log-level LEVEL]"
)
DEFAULT_GRACE_PERIOD_S = 30


class Options(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    namespace: str
    uid: str
    grace_period_s: int = DEFAULT_GRACE_PERIOD_S
    """How long the guest has to shut down once the pod is told to end; virt-handler's word replaces it."""
    allow_emulation: bool = False
    keep_after_failure: bool = False
    """A launcher that failed stays, so that somebody can look around in its pod."""
    log_level: str = "info"

    @property
    def domain(self) -> str:
        return f"{self.namespace}_{self.name}"


def parse(arguments: list[str]) -> Options:
    """Options from `--key value`, `--key=value` and `--flag`. Raises Refused, naming the argument."""
    values: dict[str, str] = {}
    flags: set[str] = set()
    rest = list(arguments)
    while rest:
        key, equals, value = rest.pop(0).partition("=")
        if key in ("--allow-emulation", "--keep-after-failure") and not equals:
            flags.add(key)
        elif key in ("--name", "--namespace", "--uid", "--grace-period-seconds", "--log-level"):
            if not equals:
                if not rest:
                    raise Refused(field=key, cause=f"{key} needs a value", remedy=USAGE)
                value = rest.pop(0)
            values[key] = value
        else:
            raise Refused(field=key, cause=f"{key} is not an argument of virt-launcher", remedy=USAGE)
    for key in ("--name", "--namespace", "--uid"):
        if not values.get(key):
            raise Refused(field=key, cause=f"{key} is missing", remedy=USAGE)
    return Options(
        name=values["--name"],
        namespace=values["--namespace"],
        uid=values["--uid"],
        grace_period_s=_seconds(values.get("--grace-period-seconds", str(DEFAULT_GRACE_PERIOD_S))),
        allow_emulation="--allow-emulation" in flags,
        keep_after_failure="--keep-after-failure" in flags,
        log_level=values.get("--log-level", "info"),
    )


def _seconds(text: str) -> int:
    if not text.isdecimal():
        raise Refused(
            field="--grace-period-seconds", cause=f"'{text}' is not a number of seconds", remedy="use digits only"
        )
    return int(text)
