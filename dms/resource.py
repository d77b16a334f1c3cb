"""What holds a file, a device or memory: ``with`` frees it, whatever happens inside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType

from typing_extensions import Self


class Resource(ABC):
    """Open since it was made; leaving ``with`` closes it."""

    @abstractmethod
    def close(self) -> None:
        """Free what is held; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


class OpenedResource(Resource):
    """Entering ``with`` opens it, leaving closes it."""

    @abstractmethod
    def open(self) -> None:
        """Take what is needed. Raises a DmsError where that is not to be had."""

    def __enter__(self) -> Self:
        self.open()
        return self
