"""Connections that lead to the public internet only, and end in time."""

from __future__ import annotations

import ipaddress
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future

import httpcore
import httpx

from rag.errors import ArticleError

_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Resolver = Callable[[str, int], list[str]]


class NoConnectionError(ArticleError):
    """The host could not be reached, or must not be, whatever the path."""


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system knows them. Raises OSError or UnicodeError when it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, also where it wraps an IPv4 address (mapped, 6to4, NAT64)."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = (
            ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        )
        if inner is None:
            return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_site_local)
        ip = inner
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


class Guard(httpcore.NetworkBackend):
    """Connections to checked addresses only, every step of them within the deadline of the page.

    It resolves, checks and connects in one place, so that a name cannot mean another address by the time of connecting.
    """

    def __init__(self, resolve: Resolver, *, allow_private: bool) -> None:
        self._resolve, self._allow_private = resolve, allow_private
        self._network = httpcore.SyncBackend()
        self.deadline = math.inf

    def overdue(self) -> bool:
        """Whether the deadline is over."""
        return time.monotonic() >= self.deadline

    def within(self, timeout: float | None) -> float:
        """The timeout for one step. Raises httpcore.ReadTimeout when there is no time left."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return min(left, timeout if timeout is not None else left)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address of the host that answers. Raises NoConnectionError for a private one."""
        try:
            addresses = _within(self.within(timeout), self._resolve, host, port)
        except (OSError, UnicodeError) as error:
            raise NoConnectionError(
                f"the host name {host} cannot be resolved; check the spelling and the connection."
            ) from error
        inside = [address for address in addresses if not self._allow_private and not is_public(address)]
        if inside:
            raise NoConnectionError(
                f"{host} is {inside[0]}, which is not on the public internet; --allow-private reads it nevertheless."
            )
        failure: httpcore.NetworkError | httpcore.TimeoutException = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                stream = self._network.connect_tcp(address, port, self.within(timeout), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self)
        raise failure


def _within(seconds: float, resolve: Resolver, host: str, port: int) -> list[str]:
    """What ``resolve`` returns or raises, a TimeoutError after so many seconds: the system's look-up has no limit."""
    found: Future[list[str]] = Future()

    def work() -> None:
        try:
            found.set_result(resolve(host, port))
        except BaseException as error:
            found.set_exception(error)

    threading.Thread(target=work, name="isnad-resolve", daemon=True).start()
    return found.result(seconds)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every step ends by the deadline, however slowly the other side sends."""

    def __init__(self, stream: httpcore.NetworkStream, guard: Guard) -> None:
        self._stream, self._guard = stream, guard

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._guard.within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._guard.within(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(
            self._stream.start_tls(ssl_context, server_hostname, self._guard.within(timeout)), self._guard
        )

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class GuardedTransport(httpx.HTTPTransport):
    """httpx's transport over the guard, for which its own constructor has no argument."""

    def __init__(self, guard: Guard) -> None:
        self._pool = httpcore.ConnectionPool(ssl_context=httpx.create_ssl_context(), network_backend=guard)
