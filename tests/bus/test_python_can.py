import json
import subprocess
import sys

import pytest

# What a start must not load, extras or not: each costs tens of megabytes.
HEAVY = ["asammdf", "matplotlib", "pandas", "paho", "plotly", "pyarrow", "scipy", "starlette"]
START = """
import json, sys
import dms.commands.bench, dms.commands.run, dms.commands.service
from dms.chain import Chain
from dms.config import load
chain = Chain(load(None, []))
chain.bridges(), chain.perception, chain.core
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


@pytest.mark.whole
def test_a_start_loads_nothing_heavy_that_it_does_not_use():
    told = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
    loaded = json.loads(told.stdout)
    assert "can" in loaded
    assert not set(HEAVY) & set(loaded)
