"""Who may hold a connection to the live page: whoever has shown the token before any stranger.

A connection is a stranger's until a request on it was allowed. Strangers have few places, and few
from one address; the oldest of them makes way for a new one, so that nobody keeps others out.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

MOST_FRIENDS = 24
MOST_STRANGERS = 32
MOST_OF_ONE = 8  # strangers of one address
LONGEST_HEAD = 16_384  # bytes of a request line with its headers
_PIECE = 4_096  # h11 looks at the length of a head between two reads only


class Places:
    """The connections of one server; used in its event loop only."""

    def __init__(self) -> None:
        self._strangers: OrderedDict[Any, str] = OrderedDict()  # connection: address, oldest first
        self._friends: OrderedDict[Any, str] = OrderedDict()

    def join(self, connection: Any, address: str) -> None:
        """Give a stranger a place; the oldest beyond the limits are thrown out."""
        self._strangers[connection] = address
        of_one = [one for one, where in self._strangers.items() if where == address]
        for one in of_one[:-MOST_OF_ONE]:
            self._throw_out(self._strangers, one)
        for one in list(self._strangers)[:-MOST_STRANGERS]:
            self._throw_out(self._strangers, one)

    def welcome(self, connection: Any) -> None:
        """Note that a request on ``connection`` was allowed: strangers cannot push it out."""
        address = self._strangers.pop(connection, None)
        if address is None:
            return
        self._friends[connection] = address
        for one in list(self._friends)[:-MOST_FRIENDS]:
            self._throw_out(self._friends, one)

    def leave(self, connection: Any) -> None:
        """Free the place."""
        self._strangers.pop(connection, None)
        self._friends.pop(connection, None)

    @staticmethod
    def _throw_out(among: OrderedDict[Any, str], connection: Any) -> None:
        del among[connection]
        connection.transport.abort()


def guarded(spoken: Any, head_s: Callable[[], float]) -> type[Any]:
    """Return uvicorn's protocol with places, bounded heads, and an end to who does not get on.

    uvicorn waits for a head without an end, so that a few idle clients could keep all others out.
    ``head_s``: for how long a head may be on its way.
    """
    places = Places()

    class Guarded(spoken):  # type: ignore[misc]
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self.app_state: dict[str, Any] = {
                **self.app_state,
                "welcome": lambda: places.welcome(self),
            }
            self.loop.call_later(head_s(), self._look, None)
            places.join(self, str(self.client[0]) if self.client else "")

        def data_received(self, data: bytes) -> None:
            for start in range(0, len(data), _PIECE):
                if self.transport.is_closing():
                    return
                super().data_received(data[start : start + _PIECE])

        def connection_lost(self, exc: Exception | None) -> None:
            places.leave(self)
            super().connection_lost(exc)

        def _look(self, before: Any) -> None:
            """Compare the request with that of the look before: an answer may take its time."""
            if self.transport.is_closing():
                return
            if self.cycle is before and (before is None or before.response_complete):
                self.transport.close()
            else:
                self.loop.call_later(head_s(), self._look, self.cycle)

    return Guarded


def welcome(request: Any) -> None:
    """Keep the place of a request that was allowed."""
    told = request.scope.get("state", {}).get("welcome")
    if told is not None:
        told()
