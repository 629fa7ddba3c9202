"""The business: one sub-package per machine, and `gateways`, one module per outside party.

Rule: a machine knows the engine and other machines' `messages` modules, and nothing else. There is
no discovery by walking; the composition root lists the kinds (engine/boot.py).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from comptoir.actors.programme import PROGRAMME, Programme, programme_of

__all__ = ["PROGRAMME", "Programme", "programme_of"]

if not TYPE_CHECKING:  # whose checkers would take any name for one of ours

    def __getattr__(name: str) -> object:
        """The programme's names, once somebody asks: they bring the settings and trio along, which is most of what
        a program costs that looks at one document, draws or seals one contract, and ends.
        """
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from comptoir.actors import programme

        return getattr(programme, name)
