"""Reads the settings again when asked and hands the loop a chain that is ready to run.

One at a time: the next request waits until the loop runs with the chain before, so that what was
asked last wins and each chain is made ready beside the one that it replaces.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from dms.chain import Chain
from dms.config import Settings
from dms.errors import DmsError, EngineError
from dms.monitor import Witness
from dms.service.loading import Loading
from dms.service.notify import Notifier
from dms.service.status import Status

_log = logging.getLogger(__name__)
_REST_S = 0.2
_READ_S = 30.0  # settings and what they name are read within a second, unless a disk hangs


class Reloading:
    """Works in a thread of its own, so that the chain before goes on watching.

    ``running`` returns the chain that watches now, if any; ``offered`` is called when another waits
    for :meth:`take`. Settings that are refused are told in journal and status and change nothing.
    """

    def __init__(
        self,
        read_settings: Callable[[], Settings],
        notifier: Notifier,
        status: Status,
        running: Callable[[], Chain | None],
        offered: Callable[[], None],
        witness: Witness | None = None,
        make_chain: Callable[[Settings], Chain] = Chain,
    ) -> None:
        self._make_chain = make_chain
        self._witness = witness
        self._read_settings = read_settings
        self._notifier, self._status = notifier, status
        self._running, self._offered = running, offered
        self._asked, self._done = threading.Event(), threading.Event()
        self._offer: Chain | None = None
        self._handing = threading.Lock()  # who takes an offer has seen all that it sets off

    def start(self) -> None:
        """Begin to listen; a request made before is heard, too."""
        threading.Thread(target=self._listen, name="dms-reload", daemon=True).start()

    def ask(self) -> None:
        """Ask for the settings to be read again; safe from a signal handler."""
        self._asked.set()

    @property
    def waiting(self) -> bool:
        """Whether a chain waits for :meth:`take`."""
        return self._offer is not None

    def take(self) -> Chain | None:
        """Return the chain that waits, None without one; :meth:`done` must follow."""
        with self._handing:
            chain, self._offer = self._offer, None
        return chain

    def done(self) -> None:
        """Report that the chain taken is the one that runs now."""
        self._notifier.ready()
        self._done.set()

    def _listen(self) -> None:
        while True:
            self._asked.wait()
            time.sleep(_REST_S)  # of several asked for in a row the last is read
            self._asked.clear()
            self._notifier.reloading()
            hanging = threading.Timer(_READ_S, self._hang)
            hanging.daemon = True
            try:
                hanging.start()
                settings = self._read_settings()
                hanging.cancel()
                chain = self._ready_to_run(self._make_chain(settings))
            except DmsError as error:
                hanging.cancel()
                self._refuse(str(error))
                continue
            except Exception as error:  # noqa: BLE001  (the next reload must still be heard)
                hanging.cancel()
                _log.exception("The settings could not be used.")
                self._refuse(f"unexpected {type(error).__name__}: {error}; please report it")
                continue
            self._status.refused = None
            _log.info("The settings were read again.")
            self._note("settings read again")
            self._done.clear()
            with self._handing:
                self._offer = chain
                self._offered()
            self._done.wait()

    def _hang(self) -> None:
        """Report that the settings do not come: a disk or share that hangs holds up only this."""
        self._refuse(f"they could not be read within {_READ_S:g} s; is a disk or share gone?")

    def _refuse(self, why: str) -> None:
        _log.error("The settings are refused, the old ones stay: %s", why)
        self._status.refused = why
        self._note(f"settings refused: {why}")
        self._notifier.ready()

    def _note(self, what: str) -> None:
        if self._witness is not None:
            self._witness.note(what, "signal HUP")

    def _ready_to_run(self, chain: Chain) -> Chain:
        """Return ``chain``, its nets loaded unless those that run will do.

        Raises DmsError where they cannot be loaded, or not in time.
        """
        running = self._running()
        if running is not None and running.loaded and chain.same_eyes(running):
            return chain
        load_s = chain.settings.service.liveness.load_s
        with self._notifier.allowing(load_s):
            loading = Loading(chain)
            try:
                if not loading.wait(load_s):
                    raise EngineError(f"the nets were not loaded within {load_s:g} s; restart dms")
                loading.result()
            except Exception:
                loading.abandon()
                raise
        return chain
