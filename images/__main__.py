"""`python -m images build | reference | push REGISTRY`: see docs/images.md."""

import argparse
import asyncio
import json
import sys

from images import catalogue, push
from images.steps import OUTPUT, CannotBuild


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m images", description="Builds and pushes this project's images.")
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="build what is not current; the tars are put into build/images")
    build.add_argument("names", nargs="*", metavar="IMAGE", help=f"only these: {', '.join(catalogue.NAMES)}")
    commands.add_parser("reference", help="print the full name of the last built image of the programs")
    to = commands.add_parser("push", help="push the built images to a registry")
    to.add_argument("registry", help="where to: registry.example.org/team (http://... for one without TLS)")
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "build":
                catalogue.build(arguments.names)
            case "reference":
                print(reference())
            case "push":
                asyncio.run(push.push_all(arguments.registry))
    except CannotBuild as e:
        print(f"images: {e}", file=sys.stderr)
        return 1
    return 0


def reference() -> str:
    try:
        return str(json.loads((OUTPUT / "virt.json").read_text())["reference"])
    except FileNotFoundError as e:
        raise CannotBuild("the image of the programs is not built", remedy="run: make images") from e


if __name__ == "__main__":
    sys.exit(main())
