"""The files of password and TLS: each that cannot be used is named, none is waited for."""

import os
import time

import pytest

from dms.bridge import BridgeSettings, open_bridge
from dms.bridge.device import device_name
from dms.bridge.mqtt_access import access_of
from dms.bridge.settings import MqttSettings
from dms.errors import ConfigError
from tests.bridge.certificates import made

DAY_S = 86400.0


def faulty(folder):
    """Return settings with a file that cannot be used, by what is wrong with it."""
    good, key = made(folder)
    _, other = made(folder, "other")
    _, locked = made(folder, "locked", passphrase="secret")
    os.mkfifo(folder / "pipe")
    (folder / "latin").write_bytes(b"caf\xe9\n")
    (folder / "text").write_text("no certificate\n")
    (folder / "cut").write_text("-----BEGIN CERTIFICATE-----\nMII\n")
    (folder / "endless").symlink_to("/dev/zero")
    pipe, endless = str(folder / "pipe"), str(folder / "endless")
    return {
        "authority missing": {"ca_file": str(folder / "none")},
        "authority a folder": {"ca_file": str(folder)},
        "authority a pipe": {"ca_file": pipe},
        "authority without an end": {"ca_file": endless},
        "authority no PEM": {"ca_file": str(folder / "text")},
        "authority cut off": {"ca_file": str(folder / "cut")},
        "authority not UTF-8": {"ca_file": str(folder / "latin")},
        "certificate missing": {"ca_file": good, "certificate_file": str(folder / "none")},
        "certificate a pipe": {"ca_file": good, "certificate_file": pipe, "key_file": key},
        "key missing": {"ca_file": good, "certificate_file": good, "key_file": str(folder / "no")},
        "key of another": {"ca_file": good, "certificate_file": good, "key_file": other},
        "key with a passphrase": {
            "ca_file": good, "certificate_file": str(folder / "locked.pem"), "key_file": locked,
        },
        "key alone": {"ca_file": good, "key_file": key},
        "password a folder": {"username": "a", "password_file": str(folder)},
        "password a pipe": {"username": "a", "password_file": pipe},
        "password not UTF-8": {"username": "a", "password_file": str(folder / "latin")},
        "password without an end": {"username": "a", "password_file": endless},
    }  # fmt: skip


@pytest.mark.whole
def test_every_faulty_file_is_refused_by_name_and_at_once(tmp_path):
    for what, more in faulty(tmp_path).items():
        begun_s = time.monotonic()
        with pytest.raises(ConfigError, match=r"^mqtt: ") as refused:
            access_of(MqttSettings(**more))
        assert any(str(file) in str(refused.value) for file in more.values()) or "alone" in what
        assert time.monotonic() - begun_s < 5.0, what
        bridge = open_bridge(BridgeSettings(kind="mqtt", mqtt=MqttSettings(**more)))
        with pytest.raises(ConfigError):
            bridge.check()


def test_good_files_give_what_connects(tmp_path):
    good, key = made(tmp_path)
    (tmp_path / "password").write_text(" s3cret\n")
    access = access_of(
        MqttSettings(ca_file=good, certificate_file=good, key_file=key, username="a",
                     password_file=str(tmp_path / "password"))
    )  # fmt: skip
    assert access.password == "s3cret"
    assert "s3cret" not in repr(access)
    assert access.tls is not None
    assert access.notes == ()


def test_a_certificate_that_ends_within_30_days_is_told(tmp_path):
    good, key = made(tmp_path, days=40)
    chosen = MqttSettings(ca_file=good, certificate_file=good, key_file=key)
    assert access_of(chosen).notes == ()
    (soon,) = access_of(chosen, time.time() + 15 * DAY_S).notes
    assert "expires on" in soon
    assert "in 25 days" in soon
    (gone,) = access_of(chosen, time.time() + 41 * DAY_S).notes
    assert "expired on" in gone


def test_a_password_in_clear_text_is_told_unless_the_broker_is_this_machine(tmp_path):
    (tmp_path / "password").write_text("s3cret")
    word = {"username": "a", "password_file": str(tmp_path / "password")}
    (note,) = access_of(MqttSettings(host="10.0.0.7", **word)).notes
    assert "clear text" in note
    for host in ("localhost", "127.0.0.1", "::1"):
        assert access_of(MqttSettings(host=host, **word)).notes == ()


def test_two_devices_have_two_client_ids(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("b08dfa6083e7567a1921a715000001fb\n")
    two.write_text("b08dfa6083e7567a1921a715000001fc\n")
    assert device_name(one) != device_name(two)
    assert device_name(one) == device_name(one)
    assert len(device_name(one)) <= 23
    assert "b08dfa60" not in device_name(one)
    assert device_name(tmp_path / "none").startswith("dms-")


@pytest.mark.parametrize(
    "host", ["a" * 70, "b:1883", "[::1]", "mqtt://b", "me:s3cret@b", "b/c", "a..b"]
)
def test_a_host_that_is_none_is_refused_when_the_bridge_is_made(host):
    with pytest.raises(ConfigError, match=r"mqtt\.host") as refused:
        open_bridge(BridgeSettings(kind="mqtt", mqtt=MqttSettings(host=host)))
    assert "s3cret" not in str(refused.value)


def test_an_address_of_ipv6_is_a_host():
    assert open_bridge(BridgeSettings(kind="mqtt", mqtt=MqttSettings(host="::1"))).fault is None
