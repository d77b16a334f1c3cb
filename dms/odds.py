"""Probabilities as log odds, in which evidence adds up."""

from __future__ import annotations

import math

LOGIT_MOST = 5.0


def logit(probability: float) -> float:
    """Return the log odds, cut off at +-:data:`LOGIT_MOST` where a net says no more."""
    if probability <= 0.0 or probability >= 1.0:
        return -LOGIT_MOST if probability <= 0.0 else LOGIT_MOST
    odds = math.log(probability / (1.0 - probability))
    return -LOGIT_MOST if odds < -LOGIT_MOST else LOGIT_MOST if odds > LOGIT_MOST else odds


def log_odds(probability: float, least: float = 1e-3) -> float:
    """Return the log odds of a mean of scores: nearer to 0 or 1 than ``least`` says no more."""
    inside = min(max(probability, least), 1 - least)
    return math.log(inside / (1 - inside))
