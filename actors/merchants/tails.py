"""What may follow a shop's name on a statement line, where the name is a common word or a person's.

The rule: `QUICK 0731 TOULON` is a shop of Quick and `QUICK PRESSING` is not; what tells them apart is what comes
next. After a common name comes the end of the line, a word with a digit (a shop's number, a postal code, a
date), a legal form, the end of a web address, a word for a kind of place, a country or province, or a town: that
of the purchase, or one of the larger ones. Everything else is taken for the rest of another name, for a wrong
partner is worse than none. A line may end in the middle of a town, because acquirers cut names at 22
to 25 characters (ISO 8583 field 43).

The towns are the larger ones of France, Belgium and Québec, from public knowledge; a partner's small towns
go into its patterns. Source: docs/matching.md; spec.md E9.
"""

from collections.abc import Sequence
from typing import Final

__all__ = ["CUT_LETTERS_MIN", "PLACES", "TOWNS", "is_a_shops"]

CUT_LETTERS_MIN: Final = 4
"""Letters of a town that is cut by the end of the line; fewer say nothing."""

_FORMS: Final = (
    "sa sas sasu sarl eurl snc scs sca scop se ei nv bv bvba sprl srl vof cv asbl inc ltee ltd llc corp enr senc "
    "gmbh"
)
_WEB: Final = "fr be ca com net eu org io app shop online internet web www"
_WHERE: Final = "france francia belgique belgie belgium belgien quebec canada fra bel can lux qc on nb bxl mtl tlse"
_PLACES: Final = (
    "magasin mag boutique store shop drive station dac pos tpe automate caisse cc centre center ccial galerie mall "
    "gare station aeroport airport rue av ave avenue bd bld boul boulevard bvd place pl quai route rte chemin ch "
    "impasse cours allee allees zac za zi zone parc porte pont port cite village faubourg fbg chaussee chee straat steenweg laan "
    "plein weg markt station north nord sud est ouest n s e o"
)
PLACES: Final = frozenset(f"{_FORMS} {_WEB} {_WHERE} {_PLACES}".split())
"""Words that begin no name of somebody else's shop."""

_LARGER: Final = """
paris marseille lyon toulouse nice nantes montpellier strasbourg bordeaux lille rennes reims toulon grenoble
dijon angers nimes villeurbanne aix brest limoges amiens annecy perpignan metz besancon orleans rouen mulhouse
caen argenteuil montreuil nancy roubaix tourcoing nanterre vitry creteil avignon poitiers aubervilliers
asnieres defense colombes versailles aulnay courbevoie rueil pau champigny antibes cannes calais beziers merignac
saintes drancy ajaccio colmar issy quimper valence bourges noisy troyes levallois antony cergy villeneuve pessac
cholet ivry clichy clermont evry chambery lorient niort sarcelles montauban villejuif hyeres beauvais cayenne laval
epinay pantin meaux bondy bobigny arles vannes fontenay clamart sartrouville corbeil bastia albi chelles
gennevilliers grasse massy martigues sevran vincennes aubagne frejus belfort evreux rosny charleville blois
brive carcassonne castres chalon chalons compiegne dunkerque douai lens lievin arras boulogne
cambrai valenciennes maubeuge soissons laon quentin dieppe havre cherbourg alencon chartres dreux mans flers
roche rochelle rochefort royan cognac angouleme perigueux bergerac agen dax bayonne biarritz anglet tarbes lourdes
auch cahors rodez millau mende ales sete narbonne montelimar manosque orange carpentras cavaillon istres
vitrolles marignane draguignan menton monaco cagnes vienne bourgoin voiron romans privas aubenas roanne vichy moulins
montlucon nevers auxerre macon bourg oyonnax dole lons pontarlier montbeliard vesoul epinal haguenau selestat
thionville forbach sarreguemines verdun chaumont langres vittel ploermel pontivy lannion morlaix landerneau
concarneau lanester fougeres redon malo brieuc nazaire reze saumur thouars parthenay chatellerault lesquin seclin
hem englos wasquehal marcq villepinte roissy rungis orly chevilly thiais velizy parly massy labege colomiers
blagnac balma muret portet lattes perols begles lormont cenon talence gradignan echirolles meylan venissieux bron
ecully tassin givors oullins vaulx decines lezennes templemars cesson chantepie bruz carquefou orvault herblain
sautron tremblay gonesse domont herblay eaubonne ermont franconville pontoise osny conflans poissy
mantes rambouillet melun senart lieusaint torcy lognes chessy serris marne montesson chambourcy

bruxelles brussel brussels anvers antwerpen gand gent ghent charleroi liege luik bruges brugge namur namen louvain leuven
mons bergen malines mechelen alost aalst louviere hasselt courtrai kortrijk ostende oostende tournai doornik
genk seraing roulers roeselare verviers mouscron moeskroen beveren dendermonde beringen turnhout
dilbeek heist lokeren sambreville vilvoorde herstal geraardsbergen halle hal ninove waregem ypres ieper wavre waver
waterloo nivelles nijvel arlon aarlen bastogne marche dinant ciney ottignies gembloux andenne huy hoei
ixelles elsene uccle ukkel etterbeek schaerbeek schaarbeek anderlecht molenbeek jette evere woluwe forest vorst auderghem
wijnegem merksem deurne berchem wilrijk mortsel kontich lier geel lommel maasmechelen tongeren bilzen
knokke blankenberge koksijde veurne diksmuide menen wevelgem izegem tielt deinze eeklo zelzate zele temse
willebroek tienen aarschot diest zaventem machelen drogenbos braine rocourt jambes gosselies wezembeek

montreal laval gatineau longueuil sherbrooke saguenay levis riviere trois terrebonne repentigny brossard
drummondville granby blainville hyacinthe mirabel shawinigan dollard rimouski chateauguay victoriaville
mascouche boucherville vaudreuil sorel tracy alma thetford magog rouyn noranda sept joliette
baie comeau lachine lasalle verdun anjou outremont westmount dorval kirkland pointe beaconsfield candiac
delson chicoutimi jonquiere beauport charlesbourg foy limoilou hull aylmer buckingham gaspe matane
tremblant lachenaie rosemere boisbriand beloeil chambly varennes contrecoeur
montmagny roberval dolbeau cowansville bromont lachute hawkesbury ottawa toronto
"""
"""Left out are those that are a trade, a first name or another word as well (Tours, Salon, Bar)."""
TOWNS: Final = frozenset(_LARGER.split())
"""First words of towns; of those with an article, the word after it."""

_SAINTS: Final = frozenset(("st", "ste", "saint", "sainte", "sint"))
"""Whoever is called after a saint is a town, a street or a quarter."""
_ARTICLES: Final = frozenset(("le", "la", "les", "l"))
"""A town's name begins with one, and a shop's as well: what follows it decides."""


def is_a_shops(tail: Sequence[str], city: Sequence[str]) -> bool:
    """Whether what follows a common name may follow a shop's.

    Args:
        tail: the words after the name, folded.
        city: those of the purchase's town; empty where it is not known.
    """
    if not tail or (city and list(tail[: len(city)]) == list(city)):
        return True
    head = tail[0]
    if len(tail) > 1 and head in _SAINTS:
        return True
    if len(tail) > 1 and head in _ARTICLES:
        return _is_place(tail[1:])
    return _is_place(tail)


def _is_place(tail: Sequence[str]) -> bool:
    word = tail[0]
    if word in PLACES or word in TOWNS or any(char.isdigit() for char in word):
        return True
    cut = len(tail) == 1 and len(word) >= CUT_LETTERS_MIN
    return cut and any(town.startswith(word) for town in TOWNS)
