"""One CAN bus, kept alive: what it says and hears is others' business."""
