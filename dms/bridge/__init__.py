"""Ways out to the vehicle; each bridge is imported only when it is asked for."""

from dms.bridge.backends import open_bridge
from dms.bridge.settings import BridgeSettings

__all__ = ["BridgeSettings", "open_bridge"]
