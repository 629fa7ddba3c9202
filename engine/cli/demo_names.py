"""The merchants of the demo: two hundred invented ones, as a French programme might sign them.

Rule: invented names, so that no merchant finds itself in a demo; plain enough that a card
statement's label has one certain outcome. Source: issue "the engine" (200 partners); ISO 18245.
"""

from typing import Final, NamedTuple

__all__ = ["CITIES", "TRADES", "Trade"]


class Trade(NamedTuple):
    """Ten merchants of one trade."""

    mcc: str
    """Codes separated by a semicolon; empty = the programme does not look at them."""
    rate_bp: int
    """Of the first merchant; each next one gives 10 bp more."""
    names: tuple[str, ...]


CITIES: Final = (
    "Paris", "Lyon", "Marseille", "Lille", "Nantes", "Bordeaux", "Toulouse", "Strasbourg", "Rennes",
    "Montpellier", "Grenoble", "Dijon", "Angers", "Metz", "Tours",
)  # fmt: skip

TRADES: Final = (
    Trade("5411", 50, (
        "Marché Vauclair", "Épicerie Montjoie", "Halles de Brissac", "Panier Lorval",
        "Supérette Aubépine", "Comptoir Fermier Lasalle", "Primeurs Delorme-Hay", "Bio Verdanne",
        "Hyper Castelnove", "Cours des Mirabelles",
    )),
    Trade("5812", 200, (
        "Brasserie Quintessol", "Bistrot Marcelline", "Table de Rochevert", "Auberge du Pont Rouvre",
        "Crêperie Kerlouan", "Bouchon Tassinari", "Trattoria Bellacorte", "Cantine Zéphyrine",
        "Restaurant L'Échauguette", "Rôtisserie Gambard",
    )),
    Trade("5814", 150, (
        "Burger Fauvel", "Pizza Galopin", "Tacos Ravigote", "Sandwicherie Bonpain", "Kebab Orsenne",
        "Sushi Mokuren", "Poke Lagunette", "Wok Jade Tonkin", "Salad Verjus", "Snack Trémolo",
    )),
    Trade("5462", 120, (
        "Boulangerie Fournival", "Maison Levain d'Or", "Pâtisserie Sablonne", "Pain de Courtevoie",
        "Fournil Saint Abdon", "Brioche et Froment", "Chocolaterie Cabossine", "Macarons Ladurelle",
        "Viennoiserie Croustel", "Tartes Kluger Fils",
    )),
    Trade("5912", 80, (
        "Pharmacie Belombre", "Pharmacie du Vieux Lavoir", "Parapharmacie Sanéo",
        "Officine Tourmaline", "Pharmacie Grand Mail", "Herboristerie Mélissane", "Optique Clairvoy",
        "Lunetterie Prismal", "Pharmacie Aigremont", "Audition Harmonel",
    )),
    Trade("5651;5691", 300, (
        "Atelier Garance", "Chemiserie Batisson", "Mode Opaline", "Denim Carcassin",
        "Tricots Saint Valery", "Lingerie Florisette", "Tailleur Wormser", "Prêt à Porter Valmy",
        "Costumes Ambrogiani", "Manteaux Hivernel",
    )),
    Trade("5661", 280, (
        "Chaussures Botillon", "Cordonnerie Lacépède", "Souliers Marquisat", "Baskets Foulée Nord",
        "Sandales Camarguaise", "Bottier Ferrandon", "Mocassins Dandy Rive", "Pas à Pas Junior",
        "Espadrilles Etcheverry", "Talons Vermillon",
    )),
    Trade("5732;5734", 100, (
        "Électronique Voltaris", "Ordinatech Plus", "Téléphonie Ondéa", "Photo Obscura",
        "Son et Image Decibelle", "Console Passion Joystar", "Ampère Composants", "Réparatou Mobile",
        "Hifi Clavecin", "Domotique Lumenys",
    )),
    Trade("5200;5211", 180, (
        "Bricolage Rabotin", "Quincaillerie Serrurois", "Matériaux Pierrefonds", "Outillage Varlope",
        "Peintures Céladon", "Carrelages Azulène", "Jardinerie Belle Plante", "Cuisines Fourneval",
        "Luminaires Photophore", "Menuiserie Du Chêne Vert",
    )),
    Trade("5712", 220, (
        "Meubles Archambeau", "Literie Morphéane", "Canapés Velourine", "Rideaux Passementier",
        "Tapis Samarcande Nord", "Antiquités Vaugelas", "Déco Patchouli", "Vaisselle Faïencel",
        "Rangements Malicorne", "Maison Lin Blanc",
    )),
    Trade("5942", 250, (
        "Librairie Feuillantine", "Librairie des Trois Plumes", "Presse Kiosquin", "Bandes Dessinées Bulloz",
        "Papeterie Vélin Royal", "Librairie L'Ecritoire", "Polars et Compagnie", "Cartothèque Méridien",
        "Livres Anciens Incunable", "Jeunesse Marmotine",
    )),
    Trade("5941", 240, (
        "Sports Alpinoë", "Cycles Bernardon", "Randonnée Le Sentier", "Voile Grand Large Sud",
        "Tennis Club Revers", "Équitation Sellerie Mors", "Ski Flocon Rouge", "Pêche Truitelle",
        "Fitness Tonicéa", "Escalade Mousqueton",
    )),
    Trade("5977;7230", 350, (
        "Parfumerie Néroline", "Institut Peau d'Ange", "Coiffure Ciselle", "Barbier Moustachu",
        "Savonnerie Marius Trident", "Cosmétiques Aloéva", "Onglerie Carminette", "Spa Thermalba",
        "Coiffeur Studio Mèche", "Maquillage Poudrette",
    )),
    Trade("5945", 260, (
        "Jouets Polichinelle", "Jeux de Société Meeplou", "Modélisme Ferrovia", "Peluches Oursonnet",
        "Puzzles Mosaïka", "Maquettes Icarion", "Loisirs Créatifs Pastelou", "Jouets En Bois Tilleul",
        "Figurines Draconis", "Cerfs Volants Alizé",
    )),
    Trade("5541;5542", 40, (
        "Station Petroval", "Relais Autoroute Halley", "Carburants Fluxor", "Station Du Rond Point Noir",
        "Recharge Électrovia", "Garage Bielle et Fils", "Lavage Auto Écumette", "Pneus Adhérix",
        "Contrôle Technique Visauto", "Pièces Auto Carburel",
    )),
    Trade("7011", 400, (
        "Hôtel Belvédère Armor", "Hôtel des Deux Lions", "Gîte Chantemerle", "Auberge Jeunesse Boussole",
        "Hôtel Terminus Nord", "Camping Pinède Bleue", "Château de Mirefleur", "Résidence Marina Sol",
        "Chambres Hôtes Glycine", "Hôtel Panoramic Verdon",
    )),
    Trade("4722;4111", 150, (
        "Voyages Cap Horizon", "Croisières Mistralis", "Agence Globe Rouleur", "Autocars Bourdin Express",
        "Ferries Manchelle", "Location Vélo Guidon", "Taxis Radio Comète", "Navette Aéro Sud",
        "Train Touristique Vapeur", "Parking Vauban Centre",
    )),
    Trade("7832;7922", 320, (
        "Cinéma Lumiphone", "Théâtre des Arlequins", "Opéra Calliopée", "Concerts Zénithal",
        "Cirque Barnabello", "Musée Des Automates", "Bowling Quillard", "Escape Game Enigmo",
        "Patinoire Glissade", "Karaoké Micro d'Argent",
    )),
    Trade("5193;5992", 270, (
        "Fleuriste Pivoinerie", "Fleurs Anémone Bleue", "Bouquets Mimosalis", "Jardin d'Orphée",
        "Pépinière Charmille", "Orchidées Vanda Nova", "Roses de Picardie Sud", "Herbier Sauvage",
        "Cactus Et Compagnie", "Plantes Philodendra",
    )),
    Trade("", 500, (
        "Boutique Hirondelle", "Galerie Outremer", "Concept Store Ficelle", "Savoir Faire Artisanes",
        "Cadeaux Mirliton", "Coffrets Gourmandine", "Vins Clos Margottin", "Caviste Tonnelier",
        "Fromagerie Affinois Haut", "Thés Camélia Noire",
    )),
)  # fmt: skip
