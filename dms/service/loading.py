"""Loads a chain's landmarks and nets in a thread, so that bus and watchdog are served meanwhile."""

from __future__ import annotations

import threading

from dms.chain import Chain


class Loading:
    """One try to load; a daemon thread, so that one that hangs keeps no process from ending."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._failure: Exception | None = None
        self._ending = threading.Lock()
        self._over = self._abandoned = False
        self._thread = threading.Thread(target=self._run, name="dms-load", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; True once it is over, well or not."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> None:
        """Raise what kept them from loading, a defect as well as an expected failure."""
        if self._failure is not None:
            raise self._failure

    def abandon(self) -> None:
        """Free what is loaded, or what will be: nobody waits for it any more."""
        with self._ending:
            self._abandoned = True
            over = self._over
        if over:
            self._chain.close()

    def _run(self) -> None:
        try:
            _ = self._chain.perception
        except Exception as error:  # noqa: BLE001  (raised again where it is waited for)
            self._failure = error
        with self._ending:
            self._over = True
            abandoned = self._abandoned
        if abandoned:
            self._chain.close()
