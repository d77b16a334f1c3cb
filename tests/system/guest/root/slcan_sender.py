"""The product's own SLCAN bridge on one end of the cable, sending states for two minutes."""

import time

from dms.bridge import BridgeSettings, open_bridge
from dms.values import DriverState

with open_bridge(BridgeSettings(kind="slcan", channel="/run/slcan-dms", wait=True)) as bridge:
    for _ in range(1200):
        bridge.publish(DriverState(time.monotonic()))
        time.sleep(0.1)
