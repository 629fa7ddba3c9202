"""Which act plays which site: the names in crash_cases.py, found in the modules of acts.

Source: issue 3, deliver 2.
"""

from tests.durability import act, acts_parties, acts_starts
from tests.durability.act import Act
from tests.durability.crash_cases import SCENES

MODULES = (act, acts_parties, acts_starts)


def act_of(site: str) -> type[Act]:
    """The class that plays a site."""
    name = SCENES[site].act
    found: type[Act] = next(getattr(x, name) for x in MODULES if hasattr(x, name))
    return found
