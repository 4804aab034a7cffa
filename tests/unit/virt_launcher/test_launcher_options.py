"""The launcher's command line."""

import pytest

from kubevirt.kit.errors import Refused
from kubevirt.virt_launcher.options import Options, parse

WHO = ["--name", "web", "--namespace", "default", "--uid", "u-1"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        pytest.param([], "--name", id="nothing"),
        pytest.param(WHO[:-2], "--uid", id="no uid"),
        pytest.param([*WHO, "--qemu-timeout", "240s"], "--qemu-timeout", id="an unknown argument"),
        pytest.param([*WHO, "--grace-period-seconds"], "--grace-period-seconds", id="a value is missing"),
        pytest.param([*WHO, "--grace-period-seconds", "30s"], "--grace-period-seconds", id="no number"),
        pytest.param([*WHO, "--allow-emulation=no"], "--allow-emulation", id="a flag with a value"),
    ],
)
def test_refused_with_the_argument_named(arguments: list[str], field: str) -> None:
    with pytest.raises(Refused) as told:
        parse(arguments)
    assert told.value.field == field
    assert told.value.remedy


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(WHO, Options(name="web", namespace="default", uid="u-1"), id="the least"),
        pytest.param(
            [*WHO, "--grace-period-seconds=0", "--allow-emulation", "--keep-after-failure", "--log-level", "debug"],
            Options(
                name="web", namespace="default", uid="u-1", grace_period_s=0, allow_emulation=True,
                keep_after_failure=True, log_level="debug",
            ),
            id="everything",
        ),
    ],
)
def test_understood(arguments: list[str], expected: Options) -> None:
    assert parse(arguments) == expected
    assert expected.domain == "default_web"
