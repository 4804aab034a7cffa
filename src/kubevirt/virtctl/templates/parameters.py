"""Parameters of a template: their values, given or made up, put into the machine's manifest. Pure but for randomness.

`${KEY}` stands inside of texts; `${{KEY}}` as a whole value keeps the type that the parameter's text has as JSON.
"""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Mapping

from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.virtctl.errors import CommandError

INSIDE = re.compile(r"\$\{([a-zA-Z0-9_]+)\}")
WHOLE = re.compile(r"\$\{\{([a-zA-Z0-9_]+)\}\}")
EXPRESSION = re.compile(r"(\[[a-zA-Z0-9\-\\]+\]|\\[wdaA])\{([0-9]+)\}")
LONGEST = 255
CLASSES = {
    "w": string.ascii_letters + string.digits + "_",
    "d": string.digits,
    "a": string.ascii_letters + string.digits,
    "A": "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~",
}


def values_of(template: JsonObject, given: Mapping[str, str]) -> dict[str, str]:
    """The value of every parameter. Raises CommandError for unknown ones, and for required ones without a value."""
    parameters = parameters_of(template)
    known = {str(each.get("name")) for each in parameters}
    for name in given:
        if name not in known:
            raise CommandError(f"error merging template parameters: parameter {name} not found in template")
    found: dict[str, str] = {}
    for index, each in enumerate(parameters):
        name = str(each.get("name"))
        value = given.get(name) or str(each.get("value") or "")
        if not value and each.get("generate") == "expression":
            value = generated(str(each.get("from") or ""))
        if not value and each.get("required"):
            raise CommandError(f"spec.parameters[{index}].name: {name} is required and has no value")
        found[name] = value
    return found


def parameters_of(template: JsonObject) -> list[JsonObject]:
    """The template's parameters, as objects."""
    listed = dig(template, "spec", "parameters")
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def generated(expression: str) -> str:
    """A random text of an expression such as `admin-[a-z0-9]{8}`."""
    made, position = "", 0
    for match in EXPRESSION.finditer(expression):
        length = int(match[2])
        if not 1 <= length <= LONGEST:
            raise CommandError(f"range must be within [1-{LONGEST}] characters: {match[2]}")
        alphabet = CLASSES[match[1][1]] if match[1].startswith("\\") else _alphabet(match[1][1:-1])
        made += expression[position : match.start()]
        made += "".join(secrets.choice(alphabet) for _ in range(length))
        position = match.end()
    return made + expression[position:]


def _alphabet(text: str) -> str:
    """The characters of `a-z0-9_` or `\\w`."""
    found, index = "", 0
    while index < len(text):
        if text[index] == "\\" and text[index + 1 : index + 2] in CLASSES:
            found += CLASSES[text[index + 1]]
            index += 2
        elif text[index + 1 : index + 2] == "-" and index + 2 < len(text):
            first, last = ord(text[index]), ord(text[index + 2])
            if first > last:
                raise CommandError(f"invalid range specified: {text[index : index + 3]}")
            found += "".join(map(chr, range(first, last + 1)))
            index += 3
        else:
            found += text[index]
            index += 1
    return found


def processed(template: JsonObject, given: Mapping[str, str]) -> tuple[JsonObject, str, list[str]]:
    """The machine, the template's message, and warnings about parameters that nothing refers to."""
    values = values_of(template, given)
    machine = dig(template, "spec", "virtualMachine")
    if not isinstance(machine, dict):
        raise CommandError("the template holds no virtual machine")
    used: set[str] = set()
    made = _substituted(machine, values, used)
    message = str(_substituted(dig(template, "spec", "message") or "", values, used))
    assert isinstance(made, dict)  # noqa: S101 - an object stays one
    if isinstance(metadata := made.get("metadata"), dict):
        made["metadata"] = {name: value for name, value in metadata.items() if name != "namespace"}
    warnings = [
        f"Warning: spec.parameters[{index}].name: {each.get('name')} is defined but never referenced"
        for index, each in enumerate(parameters_of(template))
        if each.get("name") not in used
    ]
    return made, message, warnings


def _substituted(value: Json, values: Mapping[str, str], used: set[str]) -> Json:
    if isinstance(value, dict):
        return {
            str(_substituted(name, values, used)): _substituted(member, values, used) for name, member in value.items()
        }
    if isinstance(value, list):
        return [_substituted(item, values, used) for item in value]
    if not isinstance(value, str):
        return value
    if (whole := WHOLE.fullmatch(value)) is not None and whole[1] in values:
        used.add(whole[1])
        return _typed(values[whole[1]])

    def replaced(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        used.add(match[1])
        return values[match[1]]

    return INSIDE.sub(replaced, value)


def _typed(text: str) -> Json:
    try:
        found: Json = json.loads(text)
    except ValueError:
        return text
    return found
