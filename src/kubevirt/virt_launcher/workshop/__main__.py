"""Reads orders from standard input, a JSON object a line, and writes replies to standard output, until it closes."""

from kubevirt.virt_launcher import lean  # noqa: F401, I001

import sys

import msgspec

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.launcher_link.messages import Failure, Reply, Request
from kubevirt.launcher_link.wire import decode_body, encode_body, from_line, to_line
from kubevirt.virt_launcher.orders import BUILD, DESCRIBE, SETTLE, BuildOrder, DescribeOrder, SettleOrder
from kubevirt.virt_launcher.workshop.build import build, settle, warm_up
from kubevirt.virt_launcher.workshop.describe import describe
from kubevirt.virt_launcher.workshop.images import ImageShelf


def carry_out(order: Request, shelf: ImageShelf) -> msgspec.Struct:
    """Raises Problem, in words for the user."""
    if order.verb == BUILD:
        return build(decode_body(BuildOrder, order.body), shelf)
    if order.verb == SETTLE:
        return settle(decode_body(SettleOrder, order.body))
    if order.verb == DESCRIBE:
        return describe(decode_body(DescribeOrder, order.body).xml)
    raise Problem(cause=f"the workshop does not know how to '{order.verb}'")


def answer(order: Request, shelf: ImageShelf) -> Reply:
    try:
        return Reply(id=order.id, body=encode_body(carry_out(order, shelf)))
    except Problem as problem:
        return Reply(id=order.id, error=Failure(cause=problem.cause, field=problem.field, remedy=problem.remedy))


def main() -> None:
    logs.setup("virt-launcher-workshop")
    warm_up()
    shelf = ImageShelf()
    shelf.look_around()
    for line in sys.stdin.buffer:
        order = from_line(line)
        if isinstance(order, Request):
            sys.stdout.buffer.write(to_line(answer(order, shelf)))
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
