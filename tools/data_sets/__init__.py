"""Public data sets made ready for ``dms bench`` or ``tools/evaluate.py``: a module for each."""
