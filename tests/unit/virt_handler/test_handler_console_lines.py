"""What a console shows to somebody who comes back: how much, from where, and nothing that a terminal would answer."""

import pytest

from kubevirt.virt_handler.server.console_lines import Tail


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param([], b"", id="nothing yet"),
        pytest.param([b"login: "], b"login: ", id="all, while it is little"),
        pytest.param([b"one\n", b"two\n", b"three\n", b"four\n"], b"two\nthree\nfour\n", id="from where a line begins"),
        pytest.param([b"0123456789abcdefghij"], b"456789abcdefghij", id="one long line is shown in part"),
        pytest.param([b"a\x1b[6nb"], b"ab", id="a question for the cursor's place"),
        pytest.param([b"a\x1b[c\x1b[>0cb"], b"ab", id="questions for the terminal's kind"),
        pytest.param([b"a\x1b[?6nb\x05"], b"ab", id="private status and enquiry"),
        pytest.param([b"a\x1b]11;?\x07b"], b"ab", id="a question for a colour"),
        pytest.param([b"\x1b[1;31mred\x1b[0m"], b"\x1b[1;31mred\x1b[0m", id="colours stay"),
    ],
)
def test_what_is_shown(written: list[bytes], shown: bytes) -> None:
    tail = Tail(limit=16)
    for data in written:
        tail.add(data)
    assert tail.shown() == shown
