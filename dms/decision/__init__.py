"""From observations to the driver's state and alerts: pure, no clock, file or picture."""
