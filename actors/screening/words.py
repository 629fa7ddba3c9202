"""Words that names share: short forms of given names, legal forms, particles, titles, what companies are full of.

Rule: a word stands here for what it is worth as evidence, not for its meaning; all are in the alphabet of
`latin.py`, lower case. Written from general knowledge, no list of anybody's was copied. Source: issue 8, deliver 3.
"""

from collections.abc import Mapping
from typing import Final

__all__ = [
    "AFTER_WHOM",
    "FILLERS",
    "FORMS",
    "GENERIC",
    "GIVEN",
    "NICKNAMES",
    "NUMERALS",
    "PARTICLES",
    "PHRASES",
    "PLACES",
    "TITLES",
]

_FAMILIES: Final = """
william bill billy will willy liam guillaume guillermo wilhelm guglielmo
robert bob bobby rob robbie bert roberto
richard dick rick ricky rich ricardo riccardo
margaret peggy maggie meg marge rita margarita marguerite margot greta
elizabeth liz lizzie beth betty eliza elisabeth isabel isabelle elisabetta elzbieta lisa
james jim jimmy jamie jaime giacomo jacques santiago
john jack johnny ivan giovanni juan jean johann johannes hans jan yohanna ioannis yannis sean ian joao jon
joseph joe jose pepe giuseppe josef yusuf yosef iosif
francis frank francisco paco pancho francesco franz francois ferenc
edward ted ned eddie ed eduardo edouard
alexander alex sasha aleksandr alexandre alejandro sandro iskander oleksandr xander alessandro aleksander
michael mike misha mikhail michel miguel mick mykhailo mikael michele mihail
katherine kate kathy katie catherine katya ekaterina caterina catalina kathryn katarzyna
anthony tony antonio antoine anton toni
vladimir vova volodya volodymyr wladimir
leonard lenny leo leonardo leon
emmanuel manu manuel manolo emanuel
nicholas nick nikolai nicolas nicola niko nikos mykola klaus
george giorgio jorge georges georgios georgy yuri giorgi
peter pete pedro pierre pietro petr pyotr piotr petro
paul pablo paolo pavel pavlo
charles charlie chuck carlos carlo karl carl
henry harry hank henri enrique enrico heinrich
stephen steve steven stefan esteban stefano etienne stepan istvan
thomas tom tommy tomas tommaso
daniel dan danny
david dave davide dawud daoud
matthew matt mateo mathieu matteo matthias matvei
samuel sam sammy
benjamin ben benny binyamin
theodore theo fyodor fedor teodor
eugene gene evgeny yevgeny eugenio
dmitry dima dmitri dimitri dimitrios dmytro
sergei seryozha sergey serge sergio serhiy sergej
aleksei alyosha lyosha alexei alexey alexis oleksiy
constantine kostya konstantin konstantinos
anna ann anne annie anya hanna ana
maria mary marie masha mariya mariam maryam
natalia natasha nataliya natalie
tatiana tanya tatyana
susan sue susie suzanne susana
patricia pat patty trish patrizia
patrick pat paddy patricio
barbara barb babs varvara
victoria vicky vika viktoria
victor vic vitya viktor vittorio
andrew andy drew andre andrei andres andrea andriy andrzej
lawrence larry laurent lorenzo lars
gregory greg grigory gregorio grisha
ronald ron ronnie
donald don donnie
kenneth ken kenny
timothy tim timmy timofei
gerald gerry jerry gerard gerardo
albert al bert alberto
frederick fred freddy federico friedrich fritz
philip phil philippe felipe filippo filip
luis louis lewis luigi ludwig
abraham abe ibrahim avraham avi
isaac yitzhak ishaq
mohammed muhammad mohamed mohammad mohamad muhammed mehmet mhmd
abd abdul abdel abdal abdur abdoul
sean shawn shaun
julia yulia julie giulia julija
jacob yakov jake yaqub
solomon suleiman sulayman
"""


def _nicknames() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, line in enumerate(_FAMILIES.split("\n")):
        for word in line.split():
            found.setdefault(word, set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


NICKNAMES: Final[Mapping[str, frozenset[int]]] = _nicknames()
"""A given name -> the families of names that it may stand for."""

GIVEN: Final = frozenset(NICKNAMES) | frozenset(
    [
        "mohammed",
        "muhammad",
        "mohamed",
        "mohammad",
        "ahmed",
        "ahmad",
        "ali",
        "hassan",
        "hussein",
        "omar",
        "khaled",
        "abdullah",
        "abdul",
        "ibrahim",
        "yusuf",
        "mahmoud",
        "mustafa",
        "karim",
        "said",
        "salim",
        "hamid",
        "rashid",
        "fatima",
        "aisha",
        "layla",
        "carlos",
        "juan",
        "luis",
        "jorge",
        "pedro",
        "jose",
        "maria",
        "ana",
        "marc",
        "luc",
        "claude",
        "sophie",
        "julien",
        "nicolas",
        "sebastien",
        "herve",
        "kim",
        "min",
        "ji",
        "andres",
        "fernando",
        "alberto",
        "armando",
        "hugo",
        "kumar",
        "singh",
        "van",
        "thi",
        "wang",
        "li",
        "zhang",
        "bin",
        "ibn",
        "bint",
        "abu",
        "umm",
    ]
)
"""Names that many bear, so that two of them alone name nobody."""

PARTICLES: Final = frozenset(
    [
        "al",
        "el",
        "ul",
        "an",
        "ad",
        "as",
        "ar",
        "at",
        "ash",
        "az",
        "bin",
        "ben",
        "ibn",
        "bint",
        "ould",
        "wuld",
        "van",
        "von",
        "der",
        "den",
        "de",
        "del",
        "della",
        "di",
        "da",
        "das",
        "dos",
        "du",
        "des",
        "la",
        "las",
        "le",
        "los",
        "lo",
        "zu",
        "zum",
        "zur",
        "ter",
        "ten",
        "af",
        "av",
        "y",
        "e",
        "d",
        "the",
        "of",
        "for",
        "and",
        "et",
        "und",
        "i",
        "o",
        "st",
        "saint",
        "san",
        "santa",
    ]
)
"""Words of names that are left out, glued to what follows, or spelt otherwise."""

AFTER_WHOM: Final = frozenset(["bin", "ben", "ibn", "bint", "ould", "wuld"])
"""Before the name of a father, which is said by one writer and not by another."""

TITLES: Final = frozenset(
    ["mr", "mrs", "ms", "miss", "dr", "prof", "sir", "lord", "lady", "sheikh", "shaykh", "haji", "hajji", "general", "gen", "col", "colonel", "maj", "major", "capt", "captain", "mullah", "maulvi", "mawlawi", "jr", "sr", "ii", "iii", "phd", "md", "ing", "dipl", "me", "maitre", "madame", "monsieur", "mme", "mlle", "hon", "rev", "his", "her", "excellency", "mv", "ms", "mt", "ss"]
)  # fmt: skip
"""Left out of names where others remain."""

FORMS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("llc", "ooo", "ltd", "limited", "gmbh", "sarl", "srl", "lda", "limitada", "sro", "doo", "spzoo", "tov", "bv", "oy", "fze", "fzco", "eurl", "sas", "ltda", "pte", "pvt", "pty"), "private"),
    **dict.fromkeys(("plc", "ag", "sa", "spa", "jsc", "ojsc", "pjsc", "cjsc", "oao", "pao", "ao", "zao", "nv", "ab", "asa", "inc", "incorporated", "corp", "corporation", "sca", "kk"), "public"),
    **dict.fromkeys(("co", "company", "cie", "compagnie", "compania"), "company"),
    **dict.fromkeys(("lp", "llp", "kg", "ohg", "snc"), "partners"),
}  # fmt: skip
"""A legal form -> its sort; whether there is one, and which, is weak evidence."""

PHRASES: Final = (
    ("limited liability company", "llc"), ("public limited company", "plc"), ("joint stock company", "jsc"),
    ("gesellschaft mit beschrankter haftung", "gmbh"), ("gesellschaft mit beschraenkter haftung", "gmbh"),
    ("aktiengesellschaft", "ag"), ("sociedad anonima", "sa"), ("societe anonyme", "sa"),
    ("societe a responsabilite limitee", "sarl"), ("societe par actions simplifiee", "sas"),
    ("obshchestvo s ogranichennoy otvetstvennostyu", "ooo"), ("obshchestvo s ogranichennoi otvetstvennostiu", "ooo"),
    ("s a r l", "sarl"), ("s a s", "sas"), ("s a", "sa"), ("l l c", "llc"), ("s p a", "spa"), ("l t d", "ltd"), ("p l c", "plc"),
    ("sp z o o", "spzoo"), ("s r o", "sro"), ("d o o", "doo"), ("m v", "mv"), ("m t", "mt"),
)  # fmt: skip

GENERIC: Final[Mapping[str, str]] = {
    "hldgs": "holding", "intl": "international", "internationale": "international",
    "petroleum": "petrol", "defence": "defense", "trade": "trading", "universite": "university",
    "universidad": "university", "universitat": "university", "fondation": "foundation", "fundacion": "foundation",
    "stiftung": "foundation", "groupe": "group", "grupo": "group", "gruppe": "group", "banque": "bank", "banco": "bank",
    "fils": "sons", "import": "import", "export": "export", "global": "global", "national": "national", "general": "general",
    "industries": "industry", "industrial": "industry", "solutions": "solution", "partners": "partner",
    "metals": "metal", "minerals": "mineral", "technologies": "technology", "brothers": "bros", "freres": "bros",
}  # fmt: skip
"""What companies call themselves, spelt one way."""

FILLERS: Final = frozenset(
    [
        "holdings",
        "international",
        "group",
        "global",
        "national",
        "general",
        "company",
        "enterprise",
        "enterprises",
        "trading",
        "service",
    ]
)
"""Words whose absence tells little."""

PLACES: Final = frozenset(
    [
        "iran",
        "russia",
        "russian",
        "china",
        "chinese",
        "korea",
        "iraq",
        "syria",
        "syrian",
        "libya",
        "belarus",
        "cuba",
        "sudan",
        "yemen",
        "ukraine",
        "france",
        "canada",
    ]
)
"""Where a company is, which one writer says and another does not."""

NUMERALS: Final[Mapping[str, str]] = {
    "ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9",
    "first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5",
    "1st": "1", "2nd": "2", "3rd": "3", "4th": "4", "5th": "5", "one": "1", "two": "2", "three": "3",
}  # fmt: skip
