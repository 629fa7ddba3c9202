"""The business: one sub-package per machine, and `gateways`, one module per outside party.

Rule: a machine knows the engine and other machines' `messages` modules, and nothing else. There is
no discovery by walking; the composition root lists the kinds (engine/boot.py).
"""

from comptoir.actors.programme import PROGRAMME, Programme, programme_of

__all__ = ["PROGRAMME", "Programme", "programme_of"]
