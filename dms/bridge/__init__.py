"""Ways out to the vehicle; each bridge is imported only when it is asked for."""
