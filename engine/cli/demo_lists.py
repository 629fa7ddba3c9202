"""The watch list of the demo: five who do not exist, one of whom is called as one of its clients.

Rule: nobody on it is anybody; the namesake is born in the same year, so that a person has to look and clears it (X3, E4).
Source: spec.md S21; docs/screening.md.
"""

from typing import Final

__all__ = ["LIST_NAME", "watch_list_csv"]

LIST_NAME: Final = "demo-list"
_LIST: Final = """\
id,schema,name,aliases,birth_date,countries,gender,topics
demo-1,Person,Andrea Liste,Andréa Liste;Liste A.,1970,,,sanction
demo-2,Person,Zéphyrin Nullepart,Zephyr Nowhere,1931-02-30,zz,male,sanction
demo-3,Person,Ottoline Quillfeather,,1944-13-01,zz,female,role.pep
demo-4,Company,Compagnie du Vide Parfait SARL,Perfect Void Trading Ltd,,zz,,sanction
demo-5,Vessel,MV Imaginaire,,,zz,,sanction
"""
"""Dates and a country that cannot be: no living person is born on them."""


def watch_list_csv() -> str:
    """The file, in the format of a partner's own list."""
    return _LIST
