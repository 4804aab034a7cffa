"""A thin hand on ElementTree: one call makes one element, with what is None left out."""

from __future__ import annotations

import xml.etree.ElementTree as ET

Element = ET.Element
QEMU_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"


def el(tag: str, *children: Element | None, text: str = "", **attributes: str | int | None) -> Element:
    """An element; children and attributes that are None do not appear. A trailing underscore of a name is dropped."""
    element = ET.Element(tag, {k.rstrip("_"): str(v) for k, v in attributes.items() if v is not None})
    if text:
        element.text = text
    element.extend(child for child in children if child is not None)
    return element


def on_off(value: bool) -> str:
    return "on" if value else "off"


def yes_no(value: bool) -> str:
    return "yes" if value else "no"


def parse(text: str) -> Element:
    """A document of libvirt's or our own; others are not to be trusted to this parser."""
    ET.register_namespace("qemu", QEMU_NAMESPACE)
    return ET.fromstring(text)  # noqa: S314


def to_text(root: Element) -> str:
    """The document, indented by two."""
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"
