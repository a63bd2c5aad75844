"""Zip archives: their members one by one, bombs refused."""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from ingest.draft import Failure, Source
from rag.errors import ArticleError

# Bytes, unpacked: what one member and all of them may take. Declared sizes can lie, so what is really read counts.
_LARGEST_MEMBER = 2_000_000_000
_LARGEST_TOTAL = 4_000_000_000
# Text packs ten to one, a bomb a thousand to one; below so many bytes it does no harm.
_HIGHEST_RATIO = 200
_HARMLESS = 10_000_000
# Members up to this size are unpacked in memory, larger ones in a file.
_IN_MEMORY = 16_000_000
_CHUNK = 1 << 20
_UTF8_NAMES = 0x800


def members(source: Source, *, accepts: Callable[[str], bool]) -> Iterator[tuple[str, BinaryIO] | Failure]:
    """The members whose name is accepted, each with its unpacked bytes; those that cannot be unpacked as Failures.

    Hidden ones are passed over, archives within the archive are not opened. Raises ArticleError for what is no archive.
    """
    try:
        with zipfile.ZipFile(source.file) as archive:
            total = 0
            for info in archive.infolist():
                name = _name(info)
                parts = PurePosixPath(name).parts
                if info.is_dir() or any(part.startswith((".", "__MACOSX")) for part in parts):
                    continue
                if PurePosixPath(name).suffix.lower() == ".zip":
                    yield Failure(name, "an archive within an archive is not opened; unpack it first.")
                elif accepts(name):
                    found = _unpacked(archive, info, name, left=_LARGEST_TOTAL - total)
                    if not isinstance(found, Failure):
                        total += found.seek(0, 2)
                        found.seek(0)
                        yield name, found
                    else:
                        yield found
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, IndexError, OverflowError) as error:
        raise ArticleError(f"expected a zip archive, found what cannot be read as one: {error}.") from error


def _name(info: zipfile.ZipInfo) -> str:
    """The member's name; without the mark for UTF-8, zipfile takes it for the old code page of DOS."""
    if info.flag_bits & _UTF8_NAMES:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except ValueError:
        return info.filename


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, *, left: int) -> BinaryIO | Failure:
    if info.flag_bits & 0x1:
        return Failure(name, "needs a password; unpack it first.")
    target = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115  # the caller closes it
    try:
        with archive.open(info) as member:
            size = 0
            while chunk := member.read(_CHUNK):
                size += len(chunk)
                packed = max(info.compress_size, 1)
                if size > min(_LARGEST_MEMBER, left) or (size > _HARMLESS and size > _HIGHEST_RATIO * packed):
                    target.close()
                    return Failure(name, f"unpacks to more than {size // 1_000_000} MB; this may be a bomb.")
                target.write(chunk)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        target.close()
        return Failure(name, f"cannot be unpacked: {error}.")
    target.seek(0)
    return target
