import base64
import hashlib
from importlib import metadata

from tools.checks.installed import altered


def test_an_altered_and_a_missing_file_are_named(tmp_path):
    code = b"print('as built')\n"
    digest = base64.urlsafe_b64encode(hashlib.sha256(code).digest()).rstrip(b"=").decode()
    info = tmp_path / "one-1.dist-info"
    info.mkdir()
    names = ("good.py", "changed.py", "gone.py")
    rows = [f"{name},sha256={digest},{len(code)}" for name in names] + ["one-1.dist-info/RECORD,,"]
    (info / "RECORD").write_text("\n".join(rows) + "\n")
    (tmp_path / "good.py").write_bytes(code)
    (tmp_path / "changed.py").write_bytes(code + b"import os\n")
    found = altered(metadata.Distribution.at(info))
    assert len(found) == 2
    assert found[0].endswith("changed.py was altered")
    assert found[1].endswith("gone.py is missing")
