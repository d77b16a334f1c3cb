"""Ways out to the vehicle; each bridge is imported only when it is asked for."""

from dms.bridge.backends import BridgeSettings, open_bridge

__all__ = ["BridgeSettings", "open_bridge"]
