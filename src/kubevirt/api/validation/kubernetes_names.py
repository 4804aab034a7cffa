"""Kubernetes' rules for names, with the texts that its own validation gives."""

import re

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_PORT = re.compile(r"[-a-z0-9]{1,15}")

_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def dns_label_faults(name: str) -> list[str]:
    """What keeps a name from being a DNS label."""
    return _faults(name, 63, _LABEL, _LABEL_TEXT)


def dns_subdomain_faults(name: str) -> list[str]:
    """What keeps a name from being a DNS sub-domain."""
    return _faults(name, 253, _SUBDOMAIN, _SUBDOMAIN_TEXT)


def is_port_name(name: str) -> bool:
    """Whether a name can be that of a port."""
    return (
        _PORT.fullmatch(name) is not None
        and any(c.isalpha() for c in name)
        and "--" not in name
        and not name.startswith("-")
        and not name.endswith("-")
    )


def _faults(name: str, length: int, grammar: re.Pattern[str], text: str) -> list[str]:
    faults = []
    if len(name) > length:
        faults.append(f"must be no more than {length} characters")
    if not grammar.fullmatch(name):
        faults.append(text)
    return faults
