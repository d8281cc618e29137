"""A day at the demo's desk: some 150 messages, and now and then a customer or a colleague who does something.

Everything is told in minutes before the demo began, so that the last complaints are fresh when it is opened. All texts
are our own; the addresses are documentation addresses.
"""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from importlib.resources import files
from random import Random
from typing import Any, NamedTuple

from abusedesk.cli.demo.mail import Spam, arf, feed_mail, plain, signed, xarf, xarf_mail, zulu
from abusedesk.cli.demo.people import REPORTERS, World
from abusedesk.policy import stimulus as stimuli

_TOLD = {"brand", "by", "on", "minutes", "event", "pair", "port"}
"""What is said about an incident that is not a field of its XARF report."""

COLLEAGUE = "mara"
"""Who did what staff did during the day, so that the visitor of the demo is another pair of eyes."""

READ_AFTER = 4
"""So many minutes after it came in the colleague reads an answer."""

_STORY: dict[str, Any] = tomllib.loads((files("abusedesk.cli.demo") / "day.toml").read_text(encoding="utf-8"))


class Arrival(NamedTuple):
    """A message that comes in."""

    at: datetime
    brand: str
    name: str
    sender: str
    recipient: str
    data: bytes


class Deed(NamedTuple):
    """Something that a customer or a colleague does about a service. A None report is the newest of its case."""

    at: datetime
    tenant: str
    name: str
    stimulus: stimuli.AnyStimulus
    by: str


class Answer(NamedTuple):
    """A customer answers the newest notice about a service by mail."""

    at: datetime
    tenant: str
    text: str


class Verdict(NamedTuple):
    """A colleague reads the customer's answer and says whether it says that all is done."""

    at: datetime
    tenant: str
    complete: bool


Happening = Arrival | Deed | Answer | Verdict


class Day:
    """The day's story, built from the world that it happens in."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = Random(7)  # noqa: S311 - the same day every time, nothing secret
        self._count = 0

    def happenings(self) -> list[Happening]:
        """Everything that happens, in the order in which it does."""
        machines = (*self._sensors(), *self._loops(), *self._feeds())
        letters = (*self._phishing(), *self._listings(), *self._people(), *self._smear(), *self._noise())
        return sorted([*machines, *letters, *self._answers(), *self._deeds()], key=lambda one: one.at)

    # ---------- what machines report ----------

    def _sensors(self) -> Iterator[Arrival]:
        for incident in (*_STORY["attack"], *_STORY["content"]):
            for before in incident["minutes"]:
                yield self._xarf(incident, before)

    def _xarf(self, incident: Mapping[str, Any], before: int) -> Arrival:
        source, at, ip = REPORTERS[incident["by"]], self._ago(before), self._ip(incident["on"])
        seen = self._ago(incident.get("event", before + 4 + self._random.randrange(20)))
        more = {name: value for name, value in incident.items() if name not in _TOLD}
        if "port" in incident:
            protocol = "udp" if incident["pair"].endswith("ddos") else "tcp"
            aim = {"destination_ip": f"198.51.100.{60 + before % 40}", "destination_port": incident["port"]}
            more = {"protocol": protocol, "first_seen": zulu(seen), "source_port": self._port(), **aim, **more}
        report = xarf(source.organisation, source.address, ip, incident["pair"], seen, **more)
        what = incident["pair"].rpartition("/")[2].replace("_", " ")
        subject = f"[{source.organisation}] {what} from {ip}"
        words = f"Hello,\n\nwe saw {what} from {ip}. The particulars are attached as XARF.\n\n{source.name}\n"
        to = self._world.mailbox(incident["brand"])
        mail = xarf_mail(source.sender, to, subject, report, at, words=words)
        return self._signed(incident["brand"], incident["by"], at, mail)

    def _loops(self) -> Iterator[Arrival]:
        for run in _STORY["loop"]:
            for before in run["minutes"]:
                yield self._arf(run, self._ago(before), before)

    def _arf(self, run: Mapping[str, Any], at: datetime, number: int) -> Arrival:
        text = f"{run['subject']}!\n\nOrder number {number}: see our site and unsubscribe there."
        spam = Spam(run["sender"], run["subject"], text, at - timedelta(minutes=9), run.get("incidents", 1))
        to = self._world.mailbox(run["brand"])
        return self._signed(run["brand"], "loop", at, arf(REPORTERS["loop"].sender, to, self._ip(run["on"]), spam, at))

    def _feeds(self) -> Iterator[Arrival]:
        for feed in _STORY["feed"]:
            at, brand = self._ago(feed["minutes"]), feed["brand"]
            row = self._drone if feed["tag"] == "sinkhole" else self._open
            rows = [row(self._ip(one), feed, at) for one in feed["on"]]
            name = f"{at:%Y-%m-%d}-{feed['kind']}-{brand}-asn.csv"
            mail = feed_mail(REPORTERS["feeds"].sender, self._world.mailbox(brand), name, rows, at)
            yield self._signed(brand, "feeds", at, mail)

    def _open(self, ip: str, feed: Mapping[str, Any], at: datetime) -> dict[str, object]:
        seen = at - timedelta(minutes=20 + self._random.randrange(200))
        place = {"asn": 64500, "geo": "NL", "region": "", "city": "", "naics": 518210, "sector": "Communications"}
        what = {"protocol": "tcp", "port": feed["port"], "hostname": "", "tag": feed["tag"]}
        return {"timestamp": f"{seen:%Y-%m-%d %H:%M:%S}", "severity": "medium", "ip": ip, **what, **place}

    def _drone(self, ip: str, feed: Mapping[str, Any], at: datetime) -> dict[str, object]:
        seen = at - timedelta(minutes=20 + self._random.randrange(60))
        source = {"src_ip": ip, "src_port": self._port(), "src_asn": 64501, "src_geo": "NL"}
        target = {"dst_ip": "203.0.113.99", "dst_port": feed["port"], "dst_asn": 64510, "dst_geo": "US"}
        what = {"infection": "examplebot", "family": "examplebot", "tag": feed["tag"], "severity": "high"}
        return {"timestamp": f"{seen:%Y-%m-%d %H:%M:%S}", "protocol": "tcp", **source, **target, **what}

    def _port(self) -> int:
        return 1024 + self._random.randrange(60000)

    def _ip(self, on: str) -> str:
        return self._world.address.get(on, on)

    # ---------- what people write ----------

    def _phishing(self) -> Iterator[Arrival]:
        for page in _STORY["phishing"]:
            at, ip = self._ago(page["minutes"]), self._ip(page["on"])
            body = _STORY["form"]["phishing"].format(host=page["host"], ip=ip, at=_utc(at - timedelta(minutes=25)))
            yield self._known("harbourbank", page["brand"], f"Phishing site on {ip}", body, at)

    def _listings(self) -> Iterator[Arrival]:
        for entry in _STORY["listing"]:
            at, ip = self._ago(entry["minutes"]), self._ip(entry["on"])
            body = _STORY["form"]["listing"].format(ip=ip, at=_utc(at - timedelta(minutes=12)))
            yield self._known("listwatch", entry["brand"], f"{ip} was added to the blocklist", body, at)

    def _people(self) -> Iterator[Arrival]:
        for letter in _STORY["letter"]:
            at = self._ago(letter["minutes"])
            ip = self._world.address[letter["tenant"]]
            values = {"ip": ip, "at": _utc(at - timedelta(minutes=30))}
            text = {name: letter[name].format(**values) for name in ("subject", "body")}
            yield self._letter({**letter, **text}, at)

    def _smear(self) -> Iterator[Arrival]:
        """A competitor writes under fourteen names within an afternoon."""
        ip, names, lines = self._world.address["Lumen Streaming/1"], _STORY["smear"]["names"], _STORY["smear"]["lines"]
        for number, name in enumerate(names):
            at = self._ago(690 - number * 13)
            line = lines[number % len(lines)].format(ip=ip, at=_utc(at - timedelta(minutes=14)))
            sender = f"{name} <{name.lower().replace(' ', '.')}{17 * number + 3}@freemail{number % 3}.example.com>"
            subject = f"ABUSE from {ip} please terminate"
            letter = {"brand": "jimcloud", "sender": sender, "subject": subject, "body": f"{line}\n\n{name}\n"}
            yield self._letter(letter, at)

    def _noise(self) -> Iterator[Arrival]:
        for letter in _STORY["noise"]:
            yield self._letter(letter, self._ago(letter["minutes"]))

    def _letter(self, letter: Mapping[str, Any], at: datetime) -> Arrival:
        """A letter that nobody vouches for."""
        brand, sender = letter["brand"], letter["sender"]
        # "copyright" is the part before the at sign of one of the brand's designated addresses.
        to = f"{letter['to']}@{brand}.example.net" if "to" in letter else self._world.mailbox(brand)
        data = plain(sender, to, letter["subject"], letter["body"], at, more=letter.get("headers"))
        return Arrival(at, brand, self._name("letter"), sender.rpartition("<")[2].rstrip(">"), to, data)

    def _known(self, who: str, brand: str, subject: str, body: str, at: datetime) -> Arrival:
        """A letter of a known reporter, signed."""
        return self._signed(brand, who, at, plain(REPORTERS[who].sender, self._world.mailbox(brand), subject, body, at))

    def _signed(self, brand: str, who: str, at: datetime, mail: bytes) -> Arrival:
        source = REPORTERS[who]
        data = signed(mail, source.domain, self._world.keys)
        return Arrival(at, brand, self._name(who), source.address, self._world.mailbox(brand), data)

    def _name(self, stem: str) -> str:
        self._count += 1
        return f"{stem}-{self._count:03}.eml"

    # ---------- what is done about it ----------

    def _answers(self) -> Iterator[Answer | Verdict]:
        for answer in _STORY["answer"]:
            yield Answer(self._ago(answer["minutes"]), answer["tenant"], answer["text"])
            yield Verdict(self._ago(answer["minutes"] - READ_AFTER), answer["tenant"], answer["complete"])

    def _deeds(self) -> Iterator[Deed]:
        yield self._deed(
            "Kestrel Games Ltd/0", 1195, "evidence", stimuli.Evidence(accepted=True, by=COLLEAGUE), COLLEAGUE
        )
        yield self._deed("Kestrel Games Ltd/0", 1120, "payment", stimuli.Payment(amount=2000), COLLEAGUE)
        yield self._deed(
            "Marlow & Finch Mailings/0", 560, "restore", stimuli.Request(id="demo-restore-1", kind="restore"), COLLEAGUE
        )
        yield self._deed("Tensor Foundry/0", 900, "cost", stimuli.Cost(kind="upstream_fine", amount=18500), COLLEAGUE)
        yield self._deed(
            "Copperline Telecom/1", 540, "restore", stimuli.Request(id="demo-restore-2", kind="restore"), COLLEAGUE
        )
        yield self._deed(
            "Juniper Mail Services/0", 380, "cost", stimuli.Cost(kind="delisting", amount=12000), COLLEAGUE
        )
        yield self._deed(
            "Saltmarsh Research/1", 62, "propose", stimuli.Proposal(by=COLLEAGUE, measure="suspend"), COLLEAGUE
        )

    def _deed(self, tenant: str, before: int, name: str, stimulus: stimuli.AnyStimulus, by: str = "") -> Deed:
        return Deed(self._ago(before), tenant, f"demo:{tenant}:{name}", stimulus, by)

    def _ago(self, minutes: int) -> datetime:
        return self._world.began - timedelta(minutes=minutes)


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
