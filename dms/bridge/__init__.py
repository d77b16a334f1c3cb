"""Ways out to the vehicle; each bridge is imported only when it is asked for."""

from dms.bridge.choice import BridgeSettings, open_bridge

__all__ = ["BridgeSettings", "open_bridge"]
