"""Logs: one JSON object a line on standard error, a constant text with key/value pairs.

    log = logs.get("vmi-controller")
    log.info("launcher pod created", vmi="default/web", pod="virt-launcher-web-x7k2p")

Constant texts make logs searchable and countable; what varies stands in the pairs. A thin layer over the standard
library's logging, so that the records of other libraries come out in the same form. No dependency: virt-launcher logs
by it too.
"""

import json
import logging
import sys
from datetime import UTC, datetime

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Logger:
    """Writes records of one component. Values may be anything with a readable `str()`; None values are left out."""

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, text: str, /, **pairs: object) -> None:
        """For developers: what happens inside, step by step."""
        self._write(logging.DEBUG, text, pairs)

    def info(self, text: str, /, **pairs: object) -> None:
        """For operators: what was done."""
        self._write(logging.INFO, text, pairs)

    def warning(self, text: str, /, **pairs: object) -> None:
        """For operators: what should be looked at, though work goes on."""
        self._write(logging.WARNING, text, pairs)

    def error(self, text: str, /, error: BaseException | None = None, **pairs: object) -> None:
        """For operators: what failed. An `error` that is not one of ours comes with its stack."""
        self._write(logging.ERROR, text, pairs, error)

    def _write(self, level: int, text: str, pairs: dict[str, object], error: BaseException | None = None) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", text, extra={"pairs": pairs, "problem": error})


def get(component: str) -> Logger:
    """The logger of a component; `component` is shown in every line of it."""
    return Logger(logging.getLogger(component))


def setup(program: str, level: str = "info") -> None:
    """Send everything that is logged in this process to standard error as JSON lines. Call once, at the start."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(program))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(_LEVELS[level])
    logging.captureWarnings(True)


class _JsonLines(logging.Formatter):
    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "level": record.levelname.lower(),
            "ts": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "msg": record.getMessage(),
            "program": self._program,
            "component": record.name,
        }
        line.update((key, value) for key, value in getattr(record, "pairs", {}).items() if value is not None)
        problem: BaseException | None = getattr(record, "problem", None) or (record.exc_info or (None, None))[1]
        if problem is not None:
            line["error"] = str(problem) or type(problem).__name__
            if not hasattr(problem, "remedy"):
                line["stack"] = self.formatException((type(problem), problem, problem.__traceback__))
        return json.dumps(line, ensure_ascii=False, default=str)
