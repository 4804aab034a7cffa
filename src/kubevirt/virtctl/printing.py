"""Objects on standard output, as YAML or JSON in the forms that scripts know."""

from __future__ import annotations

import json

from kubevirt.kit.json import Json


def as_yaml(document: Json) -> str:
    """YAML with sorted keys, ending in a newline."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(document, Dumper=dumper, sort_keys=True, default_flow_style=False, width=1000))


def as_json(document: Json, *, indent: int) -> str:
    """JSON, without a newline at the end."""
    return json.dumps(document, indent=indent, ensure_ascii=False)
