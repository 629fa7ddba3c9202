"""Section 4: `comptoir import`, with a running daemon and without, and which label is whose.

Rule: a file is taken whole or not at all; a wrong partner is worse than none.
Source: interface.md 4; RFC 4180; spec.md S47, X22.
"""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer, purchase

Start = Callable[..., Process]
ERROR = re.compile(
    r"^(?P<file>.+?):(?P<line>\d+): (?P<column>\S+): (?P<code>[A-Z_]+): (?P<text>.+)$"
)


def command(
    process: Process, *arguments: str, text: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run `comptoir import ...` as the daemon's neighbour: the same environment."""
    return process.ran("import", *arguments, text=text)


def counts(done: "subprocess.CompletedProcess[str]") -> dict[str, int]:
    """What an import that went well says in its last line."""
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    assert done.stdout.splitlines()[-1] == json.dumps(found)
    return found


def test_import_into_a_running_daemon(comptoir_daemon: Start, tmp_path: Path) -> None:
    """By its port, or by --url; again by id: updated, unchanged; `-` is standard input (S47)."""
    process = comptoir_daemon()
    customer = Customer(process)
    process.env["COMPTOIR_HTTP__PORT"] = str(customer.place[1])
    partners, connections = tmp_path / "partners.csv", tmp_path / "connections.csv"
    partners.write_text("id,name,rate_bp\np1,Zorblax,500\np2,Quilmont,250\n")
    connections.write_text("connection_id,user_id,card_last4\nc1,u1,1234\nc2,u2,\n")
    new = {"imported": 2, "updated": 0, "unchanged": 0}
    assert counts(command(process, "partners", str(partners))) == new
    assert counts(command(process, "connections", str(connections))) == new
    partners.write_text("rate_bp,id,name\n500,p1,Zorblax\n300,p2,Quilmont\n1,p3,Fervance\n")
    del process.env["COMPTOIR_HTTP__PORT"]
    again = command(process, "partners", str(partners), "--url", process.url)
    assert counts(again) == {"imported": 1, "updated": 1, "unchanged": 1}
    piped = command(process, "connections", "-", "--url", process.url, text=connections.read_text())
    assert counts(piped) == {"imported": 0, "updated": 0, "unchanged": 2}
    answer = customer.send(purchase("tx_1", "c1", merchant={"name": "QUILMONT"}))
    assert answer.json() == {"status": "accepted"}
    assert customer.balance("u1")["available"] == 300


def test_import_without_a_daemon(comptoir_daemon: Start) -> None:
    """Under the writer's lock, to the database; the next start knows it all (S47)."""
    process = comptoir_daemon(start=False)
    process.env["COMPTOIR_HTTP__PORT"] = "1"  # nobody listens there
    partners = "id,name,rate_bp\np1,Zorblax,500\n"
    done = command(process, "partners", "-", text=partners)
    assert counts(done) == {"imported": 1, "updated": 0, "unchanged": 0}
    done = command(process, "connections", "-", text="connection_id,user_id\nc1,u1\n")
    assert counts(done) == {"imported": 1, "updated": 0, "unchanged": 0}
    process.env["COMPTOIR_HTTP__PORT"] = "0"
    customer = Customer(process.start())
    customer.send(purchase("tx_1", "c1", merchant={"name": "ZORBLAX"}))
    assert customer.balance("u1")["available"] == 500


def test_import_does_not_queue_behind_a_writer(comptoir_daemon: Start) -> None:
    """Another daemon holds the lock: it says so and ends, and changes nothing."""
    process = comptoir_daemon()
    process.env["COMPTOIR_HTTP__PORT"] = "1"
    done = command(process, "partners", "-", text="id,name,rate_bp\np1,Zorblax,500\n")
    assert done.returncode != 0
    assert re.fullmatch(r"comptoir: [A-Z_]+: .+: .+\n", done.stderr), done.stderr


def test_errors_of_a_file(comptoir_daemon: Start, tmp_path: Path) -> None:
    """FILE:LINE: COLUMN: CODE: text, exit 2, up to 100 of them, and nothing changed (S47)."""
    process = comptoir_daemon()
    customer = Customer(process)
    file = tmp_path / "partners.csv"
    file.write_text(
        "id,name,rate_bp,mcc\ngood,Zorblax,500,\nbad id,Quilmont,1,\np3,,1,\np4,Fervance,10001,\n"
        "p5,Orthel,1,58\ngood,Again,1,\n"
    )
    done = command(process, "partners", str(file), "--url", process.url)
    assert done.returncode == 2
    assert done.stdout == ""
    found = [match for line in done.stderr.splitlines() if (match := ERROR.match(line))]
    assert [(m["file"], int(m["line"]), m["column"]) for m in found] == [
        (str(file), 3, "id"), (str(file), 4, "name"), (str(file), 5, "rate_bp"),
        (str(file), 6, "mcc"), (str(file), 7, "id"),
    ]  # fmt: skip
    customer.link("c1", "u1")
    customer.send(purchase("tx_1", "c1", merchant={"name": "ZORBLAX"}))
    customer.quiet()
    assert process.get("/api/v1/wallets/u1").status == 404
    many = "id,name,rate_bp\n" + "".join(f"p{n},Name{n},x\n" for n in range(150))
    done = command(process, "partners", "-", "--url", process.url, text=many)
    assert done.returncode == 2
    assert len([line for line in done.stderr.splitlines() if ERROR.match(line)]) == 100
    absent = command(process, "partners", str(tmp_path / "absent.csv"), "--url", process.url)
    assert absent.returncode == 2
    unknown = command(process, "shops", "-", "--url", process.url)
    assert unknown.returncode == 2


# What a file is, over the door that the command uses.


@pytest.mark.parametrize(
    ("csv", "line", "column"),
    [
        ("", 1, ""), ("id,name\np,x\n", 1, "rate_bp"), ("id,name,rate_bp,nmae\n", 1, "nmae"),
        ("id,id,name,rate_bp\n", 1, "id"), ("id,name,rate_bp\np,x\n", 2, ""),
        ('id,name,rate_bp\np,"x,1\n', 2, ""), ("id,name,rate_bp\np,x,-1\n", 2, "rate_bp"),
        ("id,name,rate_bp\np,x,1.5\n", 2, "rate_bp"), ("id,name,rate_bp\np,x\x00y,1\n", 2, "name"),
        ("id,name,rate_bp,valid_from,valid_to\np,x,1,2026-02-02,2026-02-01\n", 2, "valid_to"),
        ("id,name,rate_bp,valid_to\np,x,1,2026-02-30\n", 2, "valid_to"),
        ("id,name,rate_bp,cap_cents_month\np,x,1,much\n", 2, "cap_cents_month"),
        ("id,name,rate_bp\n" + "p" * 65 + ",x,1\n", 2, "id"),
    ],
)  # fmt: skip
def test_wrong_partner_files(customer: Customer, csv: str, line: int, column: str) -> None:
    """Each fault is told by line and column (S47)."""
    answer = customer.process.load("partners", csv)
    assert (answer.status, answer.json()["code"]) == (422, "REQUEST_INVALID")
    pointers = [one["pointer"] for one in answer.json()["errors"]]
    assert f"/{line}/{column}" in pointers


@pytest.mark.parametrize(
    ("csv", "column"),
    [
        ("connection_id\nc\n", "user_id"), ("connection_id,user_id\nc,\n", "user_id"),
        ("connection_id,user_id,provider\nc,u,seeed\n", "provider"),
        ("connection_id,user_id,card_last4\nc,u,12\n", "card_last4"),
        ("connection_id,user_id,consent_expires_on\nc,u,soon\n", "consent_expires_on"),
        ("connection_id,user_id\nc,u\nc,v\n", "connection_id"),
    ],
)  # fmt: skip
def test_wrong_connection_files(customer: Customer, csv: str, column: str) -> None:
    """Likewise of connections (S48)."""
    answer = customer.process.load("connections", csv)
    assert answer.status == 422
    assert [one["pointer"].split("/")[2] for one in answer.json()["errors"]] == [column]


def test_csv_of_other_programs(customer: Customer) -> None:
    """A byte order mark, CRLF, quotes, empty lines, columns in any order, no last line end."""
    identity = customer.name("p").replace("_", "")
    csv = f'\ufeffrate_bp,name,id,city\r\n"500","Bar ""{identity}"", Chez",{identity},\r\n\r\n'
    assert customer.must("partners", csv) == {"imported": 1, "updated": 0, "unchanged": 0}
    assert customer.must("partners", csv.rstrip()) == {"imported": 0, "updated": 0, "unchanged": 1}
    user, connection = customer.name("user"), customer.name("conn")
    customer.link(connection, user)
    label = f"BAR {identity} CHEZ PARIS"
    customer.send(purchase(customer.name("tx"), connection, merchant={"name": label.upper()}))
    assert customer.balance(user)["available"] == 500


def test_columns_of_an_agreement(customer: Customer) -> None:
    """valid_from, valid_to and the caps hold (S47)."""
    card = customer.card(
        rate_bp=1000, valid_from="2026-11-01", valid_to="2026-11-30",
        cap_cents_purchase="2000", cap_cents_month="3000",
    )  # fmt: skip
    customer.buy(card, 10, date="2026-10-31")
    customer.buy(card, 10, date="2026-12-01")
    customer.quiet()
    assert customer.process.get(f"/api/v1/wallets/{card.user_id}").status == 404
    customer.buy(card, 50, date="2026-11-01")  # 20.00 of it count
    assert customer.balance(card.user_id)["available"] == 200
    customer.buy(card, 50, date="2026-11-30")  # 10.00 are left of the month
    assert customer.balance(card.user_id)["available"] == 300
    customer.buy(card, 50, date="2026-11-15")
    assert customer.balance(card.user_id)["available"] == 300


# Whose label it is.

# `~` stands for letters of the test's own, since the module's daemon has one catalogue.
RULES = [
    # partners as name:mcc, label, MCC of the purchase, who wins
    (["Foo~"], "FOO~", "", 0),
    (["Foo~"], "foo~ 123 paris", "", 0),
    (["Foo~"], "FOO~D COURT", "", None),  # no word boundary
    (["Foo~"], "THE FOO~", "", None),  # does not begin with it
    (["Foo~ Bar"], "FOO~", "", None),
    (["Foo~", "Foo~ Bar"], "FOO~ BAR LYON", "", 1),  # the longest wins
    (["Foo~ Bar", "Foo~"], "FOO~ BARRE", "", 1),
    (["Foo~", "Foo~"], "FOO~", "", None),  # a tie matches nobody
    (["Foo~:5812", "Foo~:5411"], "FOO~", "5812", 0),  # the guard tells them apart
    (["Foo~:5812", "Foo~:5411"], "FOO~", "", None),  # without an MCC it cannot
    (["Foo~:5812"], "FOO~", "5411", None),
    (["Foo~:5812;5411"], "FOO~", "5411", 0),
    (["Foo~:5812"], "FOO~", "", 0),  # the purchase has none
    (["Foo~:5812", "Foo~ Bar:5411"], "FOO~ BAR", "5812", 0),  # the longer one is guarded out
    (["Café~ Zoé"], "CAFE~ ZOE PARIS", "", 0),
    (["L'Œuf~"], "L OEUF~", "", 0),
    (["Foo~"], "CB FOO~", "", 0),
    (["Foo~"], "PAIEMENT CB 2311 FOO~", "", 0),
    (["Foo~"], "SUMUP *FOO~", "", 0),
    (["Foo~"], "SQ *FOO~", "", 0),
    (["Foo~"], "ZTL*FOO~", "", 0),
    (["Foo~"], "APPLE PAY: FOO~", "", 0),
    (["PayPal", "Foo~"], "PAYPAL *FOO~", "", 1),
]


@pytest.mark.parametrize(("partners", "label", "mcc", "winner"), RULES)
def test_matching_rule(
    customer: Customer, partners: list[str], label: str, mcc: str, winner: int | None
) -> None:
    """The longest name at a word boundary, guarded by MCC; a tie matches nobody (S47)."""
    rows = ["id,name,rate_bp,mcc"]
    for number, partner in enumerate(partners):
        name, _, codes = partner.replace("~", customer.mark).partition(":")
        rows.append(f"{customer.mark}{number},{name},1000,{codes}")
    customer.must("partners", "\n".join(rows) + "\n")
    user, connection, identity = customer.name("user"), customer.name("conn"), customer.name("tx")
    customer.link(connection, user)
    merchant = {"name": label.replace("~", customer.mark.upper()), "mcc_code": mcc or None}
    assert customer.send(purchase(identity, connection, merchant=merchant)).status == 202
    customer.quiet()
    answer = customer.process.get(f"/api/v1/transactions/{identity}")
    if winner is None:
        assert answer.status == 404, answer.json()
    else:
        assert answer.json()["partnerId"] == f"{customer.mark}{winner}"
        assert answer.json()["trace"]


def test_a_pattern_matches_as_a_name_does(customer: Customer) -> None:
    """`patterns` are further names (S47)."""
    mark = customer.mark
    customer.must(
        "partners", f"id,name,rate_bp,patterns\n{mark},Foo{mark},1000,Bar{mark};Qux {mark}\n"
    )
    user, connection = customer.name("user"), customer.name("conn")
    customer.link(connection, user)
    for label in (f"FOO{mark} 1", f"BAR{mark}", f"QUX {mark} SARL"):
        customer.send(purchase(customer.name("tx"), connection, merchant={"name": label}))
    assert customer.balance(user)["available"] == 3000
