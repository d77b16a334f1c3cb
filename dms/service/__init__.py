"""What systemd runs, and what it tells."""
