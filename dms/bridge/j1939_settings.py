"""Settings of a bridge on a SAE J1939 bus, apart from it so that they load without one."""

from __future__ import annotations

from dms.settings import setting, settings

_ASK = "SAE gives these out"


@settings
class NameSettings:
    """The NAME by which a device claims its address; each on a bus needs one of its own."""

    identity_number: int | None = setting(
        None, ge=0, le=0x1FFFFF, text="of this device, as a serial number; null: by /etc/machine-id"
    )
    manufacturer_code: int = setting(0, ge=0, le=0x7FF, source=_ASK, text="yours")
    function: int = setting(0xFF, ge=0, le=0xFF, source="SAE J1939 B11", text="0xFF: not available")
    function_instance: int = setting(0, ge=0, le=0x1F, text="which of several such functions")
    ecu_instance: int = setting(0, ge=0, le=0x07, text="which of several ECUs for one function")
    vehicle_system: int = setting(
        0x7F, ge=0, le=0x7F, source="SAE J1939 B12", text="0x7F: not available"
    )
    vehicle_system_instance: int = setting(0, ge=0, le=0x0F, text="which of several such systems")
    industry_group: int = setting(
        1, ge=0, le=0x07, source="SAE J1939 B1", text="1: on-highway equipment"
    )
    arbitrary_address: bool = setting(
        True, text="move on to a free address where a stronger NAME takes ours; false: be told lost"
    )
