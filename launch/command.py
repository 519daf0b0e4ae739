"""What the commands share: how a mistyped setting, an error and Ctrl-C end."""

import os
import sys
from collections.abc import Callable

from absl import app


def parse(argv: list[str]) -> list[str]:
    """Flags of the command line; a setting that the config does not have ends with one line."""
    try:
        return app.parse_flags_with_usage(argv)
    except (AttributeError, KeyError, TypeError) as error:
        # ml_collections' KeyErrors quote their text, line breaks and all.
        text = str(error).strip("'\"").replace("\\'", "'").replace("\\n", " ").replace("\n", " ")
        sys.exit(f"error: no such setting: {text}")


def guarded(run: Callable[[], None]) -> None:
    """Call `run`; errors a person can mend, and Ctrl-C, end in a line on stderr instead of a traceback."""
    try:
        run()
    except (ValueError, FloatingPointError, OSError) as error:
        if os.environ.get("GANVERSE_TRACEBACK"):
            raise
        full = " (the disk is full: free some space, the same command goes on)"
        note = full if isinstance(error, OSError) and error.errno == 28 else ""
        sys.exit(f"error: {error}{note}\n(set GANVERSE_TRACEBACK=1 to see where it came from)")
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        sys.exit(130)
