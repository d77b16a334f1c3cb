"""Settings read again: one chain at a time, made ready beside the one that runs."""

import threading
from contextlib import nullcontext
from dataclasses import replace

import pytest

import dms.service.reloading
from dms.config import Settings
from dms.errors import ConfigError
from dms.service.reloading import Reloading
from dms.service.watchdog import LivenessSettings


class Nets:
    """A chain whose nets come when told."""

    may = threading.Event()

    def __init__(self, settings, loaded=False):
        self.settings, self.loaded = settings, loaded
        self.closed = threading.Event()
        made.append(self)

    @property
    def perception(self):
        Nets.may.wait(60)
        self.loaded = True

    def same_eyes(self, other):
        return self.settings.nets == other.settings.nets

    def close(self):
        self.closed.set()


class Systemd:
    def __init__(self):
        self.told = []

    def reloading(self):
        self.told.append("reloading")

    def ready(self):
        self.told.append("ready")

    def allowing(self, extra_s):
        return nullcontext()


class Status:
    refused = None


made = []


@pytest.fixture
def room():
    made.clear()
    Nets.may.set()
    return Room()


class Room:
    """A reloading with what is around it; ``fresh`` is what the file says."""

    def __init__(self):
        self.fresh = Settings()
        self.running = Nets(self.fresh, loaded=True)
        self.reads = 0
        self.systemd, self.status = Systemd(), Status()
        self.offers = threading.Semaphore(0)
        self.offered = self.offers.release
        self.reloading = Reloading(
            self.read,
            self.systemd,
            self.status,
            lambda: self.running,
            self.offer,
            make_chain=Nets,
        )
        self.reloading.start()

    def read(self):
        self.reads += 1
        if isinstance(self.fresh, Exception):
            raise self.fresh
        return self.fresh

    def offer(self):
        self.offered()

    def ask(self, fresh):
        self.fresh = fresh
        self.reloading.ask()

    def take(self):
        assert self.offers.acquire(timeout=60)
        return self.reloading.take()


def other_nets(load_s=60.0):
    usual = Settings()
    service = replace(usual.service, liveness=LivenessSettings(load_s=load_s))
    return replace(usual, nets=replace(usual.nets, precision="fp32"), service=service)


def test_the_next_request_waits_until_the_loop_runs_with_the_chain_before(room, until):
    first, last = other_nets(), Settings()
    room.ask(first)
    chain = room.take()
    assert chain.settings is first
    assert chain.loaded
    room.ask(last)
    assert not room.offers.acquire(timeout=0.2)
    assert room.reads == 1
    assert not room.reloading.waiting
    room.running = chain
    room.reloading.done()
    assert room.take().settings is last
    assert made[-1].loaded  # beside the nets of the first, which are others
    assert room.systemd.told == ["reloading", "ready", "reloading"]


def test_nets_that_will_do_are_not_loaded_again(room):
    room.ask(Settings())
    assert not room.take().loaded


def test_nets_that_come_too_late_are_refused_and_freed_when_they_come(room, until):
    Nets.may.clear()
    room.ask(other_nets(load_s=0.05))
    until(lambda: room.status.refused)
    assert "not loaded within 0.05 s" in room.status.refused
    assert room.reloading.take() is None
    assert not made[-1].closed.is_set()
    Nets.may.set()
    assert made[-1].closed.wait(60)


def test_what_is_refused_is_told_and_the_next_request_is_heard(room, until):
    room.ask(ConfigError("dms.yaml:3: camera.fps: expected a number"))
    until(lambda: room.status.refused)
    until(lambda: room.systemd.told == ["reloading", "ready"])
    room.ask(Settings())
    assert room.take() is not None
    assert room.status.refused is None


def test_an_offer_is_taken_only_once_it_has_ended_the_watch_before(room):
    """Else it would end the watch after."""
    order = []
    loop = threading.Thread(target=lambda: (room.reloading.take(), order.append("taken")))

    def offered():
        loop.start()
        loop.join(0.5)
        order.append("watch ended")
        room.offers.release()

    room.offered = offered
    room.ask(Settings())
    assert room.offers.acquire(timeout=60)
    loop.join(60)
    assert order == ["watch ended", "taken"]


def test_settings_that_do_not_come_are_told_and_taken_when_they_do(room, until, monkeypatch):
    monkeypatch.setattr(dms.service.reloading, "_READ_S", 0.05)
    disk = threading.Event()
    read = room.read

    def hanging():
        disk.wait(60)
        return read()

    room.reloading._read_settings = hanging
    room.ask(Settings())
    until(lambda: room.status.refused)
    assert "could not be read within" in room.status.refused
    assert room.systemd.told == ["reloading", "ready"]
    disk.set()
    assert room.take() is not None
    assert room.status.refused is None
