"""Who may do what: accounts with passwords for the page, keys for programs, and what each of them may change."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rag.errors import SettingsError
from rag.settings import Settings

log = logging.getLogger(__name__)

# Seconds that a sign-in lasts.
SESSION = 7 * 24 * 3600
_SECRET_FILE = "session.key"  # noqa: S105 # the name of a file
_SECRET_BYTES = 32
_SHORT_KEY = 16
_ARGON2 = "$argon2"
_USER_NAME = re.compile(r"[^\s:,|]{1,64}")
_BEARER = re.compile(r"Bearer +(\S+)\s*", re.IGNORECASE)
# Each check of a password takes 64 MB for a moment.
_CHECKS = 2


class Role(StrEnum):
    """A reader asks and reads; an editor also adds and deletes articles."""

    READER = "reader"
    EDITOR = "editor"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who is known: by an account, or by a key, whose name tells it from others without giving it away."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class _Account:
    user: User
    credential: str  # what ISNAD_AUTH says: a password, or its hash


class Access:
    """Decides who somebody is and what they may do. Threads may share one."""

    def __init__(
        self,
        *,
        accounts: Mapping[str, tuple[Role, str]] | None = None,
        keys: Mapping[str, Role] | None = None,
        everybody: Role = Role.EDITOR,
        read_only: bool = False,
        secret: bytes = b"",
    ) -> None:
        """``accounts`` are a role and a password, or its argon2 hash, by name; ``everybody`` is the role of all where
        there are neither accounts nor keys; ``secret`` signs sessions, which end with the process without one.
        """
        self._accounts = {
            name: _Account(User(name, role), credential) for name, (role, credential) in (accounts or {}).items()
        }
        self._keys = {_digest(key): User(f"key-{_digest(key).hex()[:8]}", role) for key, role in (keys or {}).items()}
        self._everybody = everybody
        self._read_only = read_only
        self._secret = secret or secrets.token_bytes(_SECRET_BYTES)
        self._hasher = PasswordHasher()
        # What the password of a name that nobody has is compared with, which takes as long as for the others.
        hashed = any(each.credential.startswith(_ARGON2) for each in self._accounts.values())
        self._unknown = self._hasher.hash(secrets.token_hex()) if hashed else secrets.token_hex()
        self._checks = threading.BoundedSemaphore(_CHECKS)
        self._ended: dict[str, float] = {}
        # What the server shows when it calls itself, as Gradio's MCP server does to read how its endpoints are called.
        self.inner = secrets.token_urlsafe()
        # Two servers on one host share their cookies, and not their sessions.
        self.cookie = f"isnad-session-{hashlib.sha256(self._secret).hexdigest()[:8]}"

    @staticmethod
    def of(settings: Settings) -> Access:
        """What the settings say. Raises SettingsError for an account or a key that cannot be read."""
        accounts = _accounts(settings.auth.get_secret_value())
        keys = _keys(settings.api_keys.get_secret_value())
        return Access(
            accounts=accounts,
            keys=keys,
            everybody=Role.EDITOR if is_loopback(settings.host) else Role.READER,
            read_only=settings.read_only,
            secret=_stored_secret(settings.data_dir) if accounts or keys else b"",
        )

    @property
    def closed(self) -> bool:
        """Whether only who is known gets in."""
        return bool(self._accounts or self._keys)

    def user(self, request: object) -> User | None:
        """Who sends a request (of Starlette or Gradio); None where nobody has to say so, or it is not known."""
        found = _state(request).get("user")
        if isinstance(found, User):
            return found
        account = self._accounts.get(str(getattr(request, "username", None)))
        return account.user if account else None

    def may_edit(self, request: object) -> bool:
        """Whether whoever sends a request (of Starlette or Gradio) may add and delete articles."""
        return self.may_user_edit(self.user(request))

    def may_user_edit(self, user: User | None) -> bool:
        """Whether somebody may add and delete articles."""
        if self._read_only:
            return False
        if not self.closed:
            return self._everybody is Role.EDITOR
        return user is not None and user.role is Role.EDITOR

    def identify(self, authorization: str, session: str) -> User | None:
        """Whom the key in the header Authorization or, without one, the session's cookie stands for."""
        if key := _BEARER.fullmatch(authorization):
            return self._keys.get(_digest(key.group(1)))
        return self._session_user(session) if session else None

    def verify(self, name: str, password: str) -> User | None:
        """The user of that name and password, or of a key given as the password; takes as long when there is none."""
        if user := self._keys.get(_digest(password)):
            return user
        account = self._accounts.get(name)
        credential = account.credential if account else self._unknown
        if not credential.startswith(_ARGON2):
            right = hmac.compare_digest(_digest(credential), _digest(password))
            return account.user if account and right else None
        with self._checks:
            try:
                self._hasher.verify(credential, password)
            except (VerificationError, InvalidHashError):
                return None
        return account.user if account else None

    def start_session(self, user: User, *, now: float | None = None) -> str:
        """The value of a cookie that stands for the user for ``SESSION`` seconds."""
        expires = int(time.time() if now is None else now) + SESSION
        return f"{quote(user.name, safe='')}|{expires}|{self._sign(user.name, expires)}"

    def end_session(self, session: str) -> None:
        """Has a session count no more."""
        now = time.time()
        self._ended = {each: until for each, until in self._ended.items() if until > now}
        if self._session_user(session):
            self._ended[session] = now + SESSION

    def _session_user(self, session: str) -> User | None:
        quoted, _, rest = session.partition("|")
        name = unquote(quoted)
        expires, _, signature = rest.partition("|")
        if not (expires.isascii() and expires.isdigit() and len(expires) < 12) or session in self._ended:
            return None
        right = hmac.compare_digest(self._sign(name, int(expires)).encode(), signature.encode("utf-8", "replace"))
        if not right or int(expires) < time.time():
            return None
        return self._known(name)[0]

    def _sign(self, name: str, expires: int) -> str:
        # The credential is in it, so that a new password ends the sessions of the old one.
        said = "\n".join((name, str(expires), self._known(name)[1]))
        return hmac.new(self._secret, said.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    def _known(self, name: str) -> tuple[User | None, str]:
        if account := self._accounts.get(name):
            return account.user, account.credential
        for digest, user in self._keys.items():
            if user.name == name:
                return user, digest.hex()
        return None, ""


def hash_password(password: str) -> str:
    """The argon2id hash of a password, as a line of ISNAD_AUTH's file has it behind the name."""
    return PasswordHasher().hash(password)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _digest(text: str) -> bytes:
    # Of one length, and found or not found in a time that says nothing of the text.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _state(request: object) -> Mapping[str, Any]:
    scope = getattr(getattr(request, "request", None) or request, "scope", None)
    return scope.get("state") or {} if isinstance(scope, Mapping) else {}


def _accounts(value: str) -> dict[str, tuple[Role, str]]:
    found: dict[str, tuple[Role, str]] = {}
    for entry, hashed in _entries(value, "ISNAD_AUTH", is_file=":" not in value):
        name, _, rest = entry.partition(":")
        credential, role = _with_role(rest)
        if not _USER_NAME.fullmatch(name) or not credential:
            raise SettingsError(
                "ISNAD_AUTH: expected user:password[:reader|editor], comma-separated, or a file of lines "
                f"user:argon2-hash[:reader|editor]; an entry begins with {name[:20]!r} and is none."
            )
        if hashed and not credential.startswith(_ARGON2):
            raise SettingsError(
                f"ISNAD_AUTH: the line of {name!r} has no argon2 hash; a file holds no passwords. Make the line with: "
                f"isnad hash-password {name}"
            )
        if name in found:
            raise SettingsError(f"ISNAD_AUTH: the user {name!r} is there twice.")
        found[name] = (role, credential)
    return found


def _keys(value: str) -> dict[str, Role]:
    found = {}
    for entry, _ in _entries(value, "ISNAD_API_KEYS", is_file=value.startswith((".", "/", "~")) or _is_file(value)):
        key, role = _with_role(entry)
        if not key or not re.fullmatch(r"[!-~]+", key):
            raise SettingsError(
                "ISNAD_API_KEYS: expected key[:reader|editor], comma-separated, or a file of such lines; a key is "
                "letters, digits and signs without spaces."
            )
        if len(key) < _SHORT_KEY:
            log.warning("A key in ISNAD_API_KEYS has fewer than %d characters and may be guessed.", _SHORT_KEY)
        found[key] = role
    return found


def _entries(value: str, name: str, *, is_file: bool) -> Iterator[tuple[str, bool]]:
    """Each entry, and whether it stands in a file."""
    if not value:
        return
    if not is_file and not _is_file(value):
        yield from ((entry.strip(), False) for entry in value.split(",") if entry.strip())
        return
    try:
        lines = Path(value).expanduser().read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name} is {value[:80]!r}: no entries, and no file that can be read.") from error
    yield from ((line.strip(), True) for line in lines if line.strip() and not line.lstrip().startswith("#"))


def _is_file(value: str) -> bool:
    try:
        return Path(value).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def _with_role(entry: str) -> tuple[str, Role]:
    """What stands before the role, and the role, an editor's where there is none."""
    before, colon, last = entry.rpartition(":")
    return (before, Role(last)) if colon and last in tuple(Role) else (entry, Role.EDITOR)


def _stored_secret(folder: Path) -> bytes:
    """The secret that is kept in the folder, so that sessions outlast the server; a new one where there is none."""
    path = folder / _SECRET_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            found = path.read_bytes()
            if len(found) == _SECRET_BYTES:
                return found
            raise SettingsError(
                f"{path} is not what it should be. Delete it; everybody has to sign in again."
            ) from None
        with os.fdopen(handle, "wb") as file:
            secret = secrets.token_bytes(_SECRET_BYTES)
            file.write(secret)
        return secret
    except OSError as error:
        log.warning("Sessions end with the server: %s cannot be written (%s).", path, error.strerror)
        return b""
