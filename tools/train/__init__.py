"""Trains nets, fits what follows them, and exports both; wants torch (extra ``train``)."""
