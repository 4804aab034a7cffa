"""The entry of `virtctl`: parse, run, and say errors as one line on standard error, exit code 1.

On an error of a command that reached for a cluster, client and server versions are compared first: a mismatch is the
most common cause of odd refusals.
"""

from __future__ import annotations

import sys

import click

from kubevirt.virtctl.errors import CommandError, readable
from kubevirt.virtctl.table import CommandTable, program_name


def main() -> None:
    """Run virtctl with the process's arguments and exit."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run virtctl with these arguments; the exit code is 0, 1, or one of a command's own."""
    try:
        code = CommandTable().main(arguments, prog_name=program_name(sys.argv[0]), standalone_mode=False)
        return code if isinstance(code, int) else 0  # click hands over the code that a command ended itself with
    except click.exceptions.Exit as e:
        return e.exit_code
    except click.ClickException as e:
        return report(e)
    except (KeyboardInterrupt, click.Abort):
        pass  # the user ends what runs until it is ended; click has written a newline by now
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; nothing is left to say, nor anybody to say it to
    return 0


def report(error: click.ClickException) -> int:
    """Print the error's one line, after what the version check has to say if a cluster was involved."""
    if isinstance(error, CommandError) and error.spoke_to is not None:
        from kubevirt.virtctl.commands.version import difference

        warning = difference(error.spoke_to)
        if warning and warning != error.message:
            click.echo(warning, err=True)
    click.echo(readable(error), err=True)
    return error.exit_code if isinstance(error, CommandError) else 1


if __name__ == "__main__":
    main()
