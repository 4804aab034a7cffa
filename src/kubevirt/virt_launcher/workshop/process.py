"""The workshop's whole life: orders in, a JSON object a line, replies out, until the launcher closes."""

from typing import BinaryIO

import msgspec

from kubevirt.kit.errors import Problem
from kubevirt.launcher_link.messages import Failure, Reply, Request
from kubevirt.launcher_link.wire import decode_body, encode_body, from_line, to_line
from kubevirt.virt_launcher.orders import BUILD, DESCRIBE, SETTLE, BuildOrder, DescribeOrder, SettleOrder
from kubevirt.virt_launcher.workshop import iso
from kubevirt.virt_launcher.workshop.build import build, settle, warm_up
from kubevirt.virt_launcher.workshop.describe import describe
from kubevirt.virt_launcher.workshop.images import ImageShelf


def serve(orders: BinaryIO, replies: BinaryIO) -> None:
    """Returns when there are no more orders."""
    warm_up()
    shelf = ImageShelf()
    if shelf.look_around():
        iso.get_ready()  # a guest from a container disk is nearly always told by an image who it is
    for line in orders:
        order = from_line(line)
        if isinstance(order, Request):
            replies.write(to_line(answer(order, shelf)))
            replies.flush()


def answer(order: Request, shelf: ImageShelf) -> Reply:
    try:
        return Reply(id=order.id, body=encode_body(carry_out(order, shelf)))
    except Problem as problem:
        return Reply(id=order.id, error=Failure(cause=problem.cause, field=problem.field, remedy=problem.remedy))


def carry_out(order: Request, shelf: ImageShelf) -> msgspec.Struct:
    """Raises Problem, in words for the user."""
    if order.verb == BUILD:
        return build(decode_body(BuildOrder, order.body), shelf)
    if order.verb == SETTLE:
        return settle(decode_body(SettleOrder, order.body))
    if order.verb == DESCRIBE:
        return describe(decode_body(DescribeOrder, order.body).xml)
    raise Problem(cause=f"the workshop does not know how to '{order.verb}'")
