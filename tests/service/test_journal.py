import logging
import socket
import struct

import pytest

from dms.service.journal import JournalHandler, encode


def test_a_value_of_several_lines_carries_its_length():
    raw = encode({"A": "one", "B": "two\nlines"})
    assert raw == b"A=one\nB\n" + struct.pack("<Q", 9) + b"two\nlines\n"


@pytest.fixture
def journal(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.bind(str(tmp_path / "socket"))
        link.settimeout(2)
        yield link


def test_records_carry_message_priority_and_own_fields(journal):
    handler = JournalHandler(journal.getsockname())
    log = logging.Logger("dms.test")
    log.addHandler(handler)
    log.warning("drowsy %d", 8, extra={"fields": {"DMS_KIND": "drowsy", "DMS_LEVEL": 2}})
    lines = journal.recv(65536).decode().splitlines()
    assert {"MESSAGE=drowsy 8", "PRIORITY=4", "DMS_KIND=drowsy", "DMS_LEVEL=2"} <= set(lines)
    handler.close()


def test_without_a_journal_the_line_goes_to_stderr(tmp_path, capsys):
    handler = JournalHandler(tmp_path / "gone")
    log = logging.Logger("dms.test")
    log.addHandler(handler)
    log.error("lost")
    assert "lost" in capsys.readouterr().err
    handler.close()
