"""KYC decisions: what a rule set makes of what is known of a client (S21 to S27, X1 to X4).

`rules.py` is a rule set, `facts.py` what is known, `deciding.py` the decision; `explaining.py` tells it to whom it
concerns, `replay.py` tries other rules on decisions that were taken, `reported.py` holds a bureau's word against ours.
`machine.py` is the case of one file: whom it asks, what it takes from the answers, and what becomes of it.
"""

from comptoir.actors.kyc.deciding import Decided, Recommendation, Risk, Share, decide
from comptoir.actors.kyc.facts import Facts, Finding
from comptoir.actors.kyc.rules import Rules

__all__ = ["Decided", "Facts", "Finding", "Recommendation", "Risk", "Rules", "Share", "decide"]
