"""Countries by the names that OFAC and the UN write, as codes.

Rule: those that their lists are full of; another is no evidence, and nothing worse. Source: ISO 3166-1.
"""

from typing import Final

__all__ = ["country_code"]

_CODES: Final = {
    name: code
    for name, _, code in (
        pair.rpartition(" ")
        for pair in """afghanistan af|albania al|algeria dz|angola ao|armenia am|austria at|azerbaijan az|bahrain bh|bangladesh bd|
belarus by|belgium be|belize bz|bosnia and herzegovina ba|brazil br|bulgaria bg|burma mm|myanmar mm|burundi bi|canada ca|
central african republic cf|chad td|china cn|colombia co|croatia hr|cuba cu|cyprus cy|czech republic cz|
democratic people's republic of korea kp|north korea kp|democratic republic of the congo cd|congo, democratic republic of the cd|
ecuador ec|egypt eg|eritrea er|estonia ee|ethiopia et|finland fi|france fr|georgia ge|germany de|ghana gh|greece gr|guatemala gt|
guinea-bissau gw|haiti ht|honduras hn|hong kong hk|hungary hu|india in|indonesia id|iran ir|iran (islamic republic of) ir|
islamic republic of iran ir|iraq iq|ireland ie|israel il|italy it|japan jp|jordan jo|kazakhstan kz|kenya ke|
republic of korea kr|south korea kr|kuwait kw|kyrgyzstan kg|latvia lv|lebanon lb|liberia lr|libya ly|lithuania lt|luxembourg lu|
malaysia my|mali ml|malta mt|mauritania mr|mexico mx|moldova md|montenegro me|morocco ma|netherlands nl|nicaragua ni|niger ne|
nigeria ng|norway no|oman om|pakistan pk|panama pa|peru pe|philippines ph|poland pl|portugal pt|qatar qa|romania ro|russia ru|
russian federation ru|rwanda rw|saudi arabia sa|senegal sn|serbia rs|sierra leone sl|singapore sg|slovakia sk|somalia so|
south africa za|south sudan ss|spain es|sri lanka lk|sudan sd|the sudan sd|sweden se|switzerland ch|syria sy|
syrian arab republic sy|taiwan tw|tajikistan tj|thailand th|tunisia tn|turkey tr|turkiye tr|türkiye tr|turkmenistan tm|uganda ug|
ukraine ua|united arab emirates ae|united kingdom gb|united states us|united states of america us|uzbekistan uz|venezuela ve|
vietnam vn|yemen ye|zimbabwe zw""".replace("\n", "").split("|")
    )
}  # fmt: skip


def country_code(name: str) -> str | None:
    """The code of a country by its English name; None where it is none of them."""
    return _CODES.get(" ".join(name.lower().rstrip(".").split()))
