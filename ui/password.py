"""The command ``isnad hash-password``: a user's line for the file that ISNAD_AUTH names."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from getpass import getpass

from rag.errors import UsageError
from rag.settings import Settings
from ui.access import hash_password
from ui.console import Console

# As ISNAD_AUTH takes it; a line that begins with # is a comment.
_NAME = re.compile(r"(?!#)[^\s:,|]{1,64}")
# Characters that the sign-in page sends on.
_LONGEST = 1000


def make_line(options: Namespace, settings: Settings, console: Console) -> int:
    """0; prints ``name:hash`` with the role behind it, if one is given. Raises UsageError."""
    if not _NAME.fullmatch(options.name):
        raise UsageError(
            f"{options.name[:64]!r} cannot be the name of a user: expected 1 to 64 characters without spaces and the "
            "signs : , | and no # at the beginning."
        )
    password = read_password()
    if not password or len(password) > _LONGEST:
        raise UsageError(f"Expected a password of 1 to {_LONGEST:,} characters, got {len(password):,}.")
    line = f"{options.name}:{hash_password(password)}"
    console.line(f"{line}:{options.role}" if options.role else line)
    return 0


def read_password() -> str:
    """What is typed twice on a terminal, where it is not shown; else the first line of standard input."""
    if not sys.stdin or not sys.stdin.isatty():
        try:
            return sys.stdin.buffer.readline().decode("utf-8").rstrip("\r\n") if sys.stdin else ""
        except UnicodeDecodeError as error:
            raise UsageError("The password on standard input is no UTF-8. Give it in UTF-8.") from error
    try:
        password = getpass("Password: ")
        again = getpass("Once more: ")
    except EOFError as error:
        raise UsageError("Expected a password twice; the input ended before.") from error
    if password != again:
        raise UsageError("The two passwords are not the same. Start again.")
    return password
