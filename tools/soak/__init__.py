"""A day of faults: an accelerated drive and the real chain, with every fault told and survived."""
