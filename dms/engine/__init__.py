"""Nets and what runs them; each backend is imported only when it is asked for."""
