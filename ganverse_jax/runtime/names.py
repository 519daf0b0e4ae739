"""Names of files are bytes: as UTF-8 where they are shown or stored, as the locale has them in a path."""

import os


def legible(text: object) -> str:
    r"""A path or any text as UTF-8 can write it: bytes of a file's name that are none, like Latin-1's, become
    \xff."""
    data = (
        os.fsencode(text) if isinstance(text, os.PathLike) else str(text).encode("utf-8", "surrogateescape")
    )
    return data.decode("utf-8", "backslashreplace")


def path_of(name: str) -> str:
    """The path of a name that is UTF-8: of one in a text file, or of one that was made legible."""
    return os.fsdecode(name.encode("utf-8", "surrogateescape"))
