"""Serves the live page and its stream of numbers. Read only; loopback, or behind a token.

Server-sent events: the browser reconnects by itself, and nothing can be sent to the service.
"""

from __future__ import annotations

import asyncio
import hmac
import importlib
import ipaddress
import json
import socket
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from typing import Any

from dms.dashboard.feed import Feed
from dms.dashboard.places import LONGEST_HEAD, guarded, welcome
from dms.errors import ConfigError

_PERIOD_S = 0.1
_MOST_CONNECTIONS = 64  # more than the places for friends and strangers together
_KEEP_ALIVE_S = 10.0
_HEAD_S = 10.0  # a request whose head takes longer is given up
_COOKIE = "dms_token"
_FILES = {"/": "page.html", "/page.css": "page.css", "/page.js": "page.js"}
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def make_app(
    feed: Feed,
    token: str | None,
    hosts: list[str],
    stopping: Callable[[], bool] = lambda: False,
) -> Any:
    """Return the ASGI application. ``hosts``: names by which it may be called.

    Streams end when ``stopping`` says so, that the server need not cut them off.

    Another name is refused, so that a page elsewhere cannot reach it through a forged DNS entry.
    Raises ConfigError without Starlette (extra ``dashboard``).
    """
    applications = _extra("starlette.applications")
    responses: Any = _extra("starlette.responses")
    routing = _extra("starlette.routing")
    hosted = _extra("starlette.middleware.trustedhost").TrustedHostMiddleware
    middleware = _extra("starlette.middleware").Middleware(hosted, allowed_hosts=hosts)

    def allowed(request: Any) -> bool:
        given = request.query_params.get("token") or request.cookies.get(_COOKIE) or ""
        is_let_in = token is None or hmac.compare_digest(given.encode(), token.encode())
        if is_let_in:
            welcome(request)
        return is_let_in

    async def page(request: Any) -> Any:
        if not allowed(request):
            text = "This page needs the token that dms dashboard printed: add ?token=..."
            return responses.PlainTextResponse(text, 401, HEADERS)
        name = _FILES[request.url.path]
        text = files("dms.dashboard").joinpath(name).read_text(encoding="utf-8")
        kind = _TYPES[name.rsplit(".", 1)[1]]
        response = responses.Response(text, 200, HEADERS, media_type=kind)
        if token is not None and "token" in request.query_params:
            tls = request.url.scheme == "https"  # a proxy on this machine says so
            response.set_cookie(_COOKIE, token, httponly=True, samesite="strict", secure=tls)
        return response

    async def stream(request: Any) -> Any:
        if not allowed(request):
            return responses.PlainTextResponse("token", 401, HEADERS)
        return responses.StreamingResponse(
            _lines(feed, request, stopping), 200, HEADERS, media_type="text/event-stream"
        )

    routes = [routing.Route(path, page) for path in _FILES]
    routes.append(routing.Route("/stream", stream))
    return applications.Starlette(routes=routes, middleware=[middleware])


async def _lines(feed: Feed, request: Any, stopping: Callable[[], bool]) -> AsyncIterator[str]:
    """Yield the newest numbers as they change, and a comment now and then to notice who left."""
    yield "retry: 500\n\n"
    last, silent_s = -1, 0.0
    while not stopping() and not await request.is_disconnected():
        count, newest = feed.newest()
        if count != last:
            last, silent_s = count, 0.0
            yield f"data: {json.dumps(newest)}\n\n"
        elif silent_s >= _KEEP_ALIVE_S:
            silent_s = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(_PERIOD_S)
        silent_s += _PERIOD_S


def listen(host: str, port: int) -> socket.socket:
    """Return a socket on which a browser may already call; port 0 takes a free one.

    Raises ConfigError where the place cannot be had.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        ear = socket.socket(family, kind, protocol)
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            ear.bind(place)
            ear.listen()
        except OSError:
            ear.close()
            raise
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"cannot serve at {host} port {port}: {error}; choose another --host or --port"
        ) from error
    return ear


def serve(feed: Feed, ear: socket.socket, host: str, token: str | None) -> None:
    """Serve on ``ear`` until interrupted. Raises ConfigError without the extra ``dashboard``."""
    hosts = ["localhost", "127.0.0.1", "[::1]"] if is_loopback(host) else ["*"]
    running: list[Any] = []
    app = make_app(feed, token, hosts, lambda: bool(running and running[0].should_exit))
    running.append(make_server(app))
    running[0].run(sockets=[ear])


def make_server(app: Any, **more: Any) -> Any:
    """Return the server with limits: a request that is long or never ends harms nobody else.

    Raises ConfigError without the extra ``dashboard``.
    """
    uvicorn = _extra("uvicorn")
    spoken = _extra("uvicorn.protocols.http.h11_impl")
    limits = {
        "limit_concurrency": _MOST_CONNECTIONS,
        "http": guarded(spoken.H11Protocol, lambda: _HEAD_S),
        "h11_max_incomplete_event_size": LONGEST_HEAD,
    }  # fmt: skip
    config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, **limits, **more)
    return uvicorn.Server(config)


_ADVICE = "the live page needs Starlette and uvicorn: pip install 'dms-jetson[dashboard]'"


def check_installed() -> None:
    """Raise ConfigError without the extra ``dashboard``."""
    _extra("uvicorn")
    _extra("starlette.applications")


def _extra(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(_ADVICE) from error
