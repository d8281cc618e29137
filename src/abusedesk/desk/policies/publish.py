"""Publishing: a changed pack is put forward by one person and approved by another, and holds from that moment.

Publishing never reaches back by itself: the version in force when an event occurred decides it, and a pack carries
its versions with their dates. What a change rewrites of versions already in force is said in words, and
its author must mean it.

A pack's digest covers all that a decision rests on, the words of its notices among it; its test cases lie beside. So a
change of notices alone is a pack of another digest, and one of cases alone is another publication of the same.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Subquery
from django.utils import timezone

from abusedesk.desk.decide import settings_of
from abusedesk.desk.policies.fitness import listed, unfit
from abusedesk.policy.author.back import reaches_back
from abusedesk.policy.author.cases_changed import cases_of
from abusedesk.policy.author.pack_zip import belongs
from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import SAFEGUARDS, Pack, find_pack, pack_files, pack_from
from abusedesk.problem import Problem
from abusedesk.records.bell import ring
from abusedesk.records.chain import append_entry
from abusedesk.records.models import Brand, PackText, Publication, PublicationEntry
from abusedesk.records.packs import bytes_of, keep, kept, pack_of, texts_of

FOUR_EYES = "safeguard:four_eyes"


_UNREAD = "the policy in force cannot be read by this release, so nobody can say what of it changes"


class ReachesBackError(Problem):
    """The change rewrites what is in force already, and nobody has said that this is meant. `words` says what."""

    def __init__(self, words: list[str]) -> None:
        super().__init__(f"this changes what is in force already, and must be confirmed as meant: {listed(words)}")
        self.words = words


def files_of(brand: Brand) -> dict[str, bytes]:
    """The files of the pack that a brand goes by, with its own cases, to be read, changed or handed on.

    Raises Problem where there are none.
    """
    if brand.published_id is None:
        return pack_files(find_pack(brand.pack))
    return files_by_digest(brand, brand.published_id)


def reaching_back(brand: Brand, changed: Pack, now: datetime | None = None) -> list[str]:
    """In words, what a changed pack rewrites of the brand's versions in force; empty as a rule."""
    return _in_force(brand).rewritten_by(changed, settings_of(brand), now or timezone.now())


def propose(
    brand: Brand,
    files: Mapping[str, bytes],
    by: str,
    note: str,
    *,
    reaching_back_is_meant: bool = False,
    now: datetime | None = None,
) -> Publication:
    """Puts a pack forward for a brand. Another person approves it.

    Raises Problem where it is no pack, has errors, fails its own cases, is another policy, says nothing new or does not
    fit the brand's settings; ReachesBackError where it rewrites what is in force and that is not said to be meant.
    """
    now = now or timezone.now()
    author, said = _said(by, "who proposes it"), _said(note, "what changes and why")
    changed = _fit(files)
    with transaction.atomic():
        brand = _locked(brand)
        present = _in_force(brand)
        cases = texts_of(cases_of(files))
        _must_suit(brand, present, changed)
        _must_be_new(brand, present, changed, cases)
        backwards = present.rewritten_by(changed, settings_of(brand), now)
        if backwards and not reaching_back_is_meant:
            raise ReachesBackError(backwards)
        keep([present.pack, changed] if present.pack else [changed])
        publication = Publication.objects.create(
            brand=brand,
            pack_id=changed.digest,
            previous=present.digest,
            author=author,
            note=said,
            proposed_at=now,
            reaches_back=backwards,
            cases=cases,
        )
        append_entry(publication, now, author, said)
    return publication


def roll_back(
    brand: Brand,
    digest: str,
    by: str,
    note: str,
    *,
    reaching_back_is_meant: bool = False,
    now: datetime | None = None,
) -> Publication:
    """Puts forward a pack that the brand went by before, by its digest; it needs another person's approval too."""
    files = files_by_digest(brand, digest)
    return propose(brand, files, by, note, reaching_back_is_meant=reaching_back_is_meant, now=now)


def approve(publication: Publication, by: str, *, now: datetime | None = None) -> Publication:
    """Publishes what another person proposed: the brand's next decision is made by it.

    Raises Problem for one's own proposal, one that is decided, one made for a pack that the brand no longer goes by, or
    one that by now reaches back where it did not when it was proposed.
    """
    now = now or timezone.now()
    who = _said(by, "who approves it")
    _must_be_fit(files_of_publication(publication))
    with transaction.atomic():
        brand, found = _to_decide(publication)
        if _is_same_person(who, found.author):
            raise Problem(f"{found.author} proposed it, and another person must approve it [{FOUR_EYES}]")
        present = _in_force(brand)
        if present.digest != found.previous or _overtaken(found):
            raise Problem("the policy in force has changed since this was proposed; propose it again on top of that")
        changed = _kept(found.pack_id)
        _must_suit(brand, present, changed)
        backwards = present.rewritten_by(changed, settings_of(brand), now)
        if not set(backwards) <= set(found.reaches_back):
            raise Problem(
                f"by now this changes what is in force already: {listed(backwards)}; withdraw it, and propose it again"
            )
        _decide(found, "published", who, "", now)
        Brand.objects.filter(pk=brand.pk).update(published=found.pack_id)
        ring()
    return found


def reject(publication: Publication, by: str, reason: str, *, now: datetime | None = None) -> Publication:
    """Refuses what another person proposed, with the reason. Raises Problem where it is decided, or one's own."""
    who, why = _said(by, "who rejects it"), _said(reason, "why")
    with transaction.atomic():
        _, found = _to_decide(publication)
        if _is_same_person(who, found.author):
            raise Problem(f"{found.author} proposed it, and can withdraw it; rejecting is for others [{FOUR_EYES}]")
        return _decide(found, "rejected", who, why, now or timezone.now())


def withdraw(publication: Publication, by: str, *, reason: str = "", now: datetime | None = None) -> Publication:
    """Takes back one's own proposal. Raises Problem where it is decided, or another's."""
    who = _said(by, "who withdraws it")
    with transaction.atomic():
        _, found = _to_decide(publication)
        if not _is_same_person(who, found.author):
            raise Problem(f"{found.author} proposed it, and only the author withdraws; reject it instead")
        return _decide(found, "withdrawn", who, reason.strip(), now or timezone.now())


# --- what is proposed -----------------------------------------------------------------------------------------------


def _fit(files: Mapping[str, bytes]) -> Pack:
    """The pack of the files, if it can be published as far as itself is concerned."""
    foreign = sorted(name for name in files if not belongs(name))
    if foreign:
        raise Problem(f"{foreign[0]} is no file of a pack, which has a pack.yaml, notices and cases; leave it out")
    texts_of(files)
    _must_be_fit(files)
    return pack_from(files)


def _must_be_fit(files: Mapping[str, bytes]) -> None:
    faults = unfit(files)
    if faults:
        raise Problem(f"this pack cannot be published: {listed(faults)}")


class _InForce(NamedTuple):
    """What a brand goes by. `pack` is None where this release cannot read it, so that it can still be mended."""

    digest: str
    name: str
    pack: Pack | None

    def rewritten_by(self, changed: Pack, settings: Settings, now: datetime) -> list[str]:
        """What a changed pack rewrites of it."""
        return [_UNREAD] if self.pack is None else reaches_back(self.pack, changed, settings, now)


def _in_force(brand: Brand) -> _InForce:
    try:
        pack = pack_of(brand)
    except Problem:
        text = PackText.objects.filter(pk=brand.published_id).first()
        return _InForce(brand.published_id or "", text.name if text else "", None)
    return _InForce(pack.digest, pack.name, pack)


def _must_suit(brand: Brand, present: _InForce, changed: Pack) -> None:
    if present.name not in {"", changed.name}:
        raise Problem(f"this is the policy {changed.name!r}, and {brand.name} goes by {present.name!r}")
    settings = settings_of(brand)
    for version in changed.versions:
        changed.terms(version, settings)


def _must_be_new(brand: Brand, present: _InForce, changed: Pack, cases: Mapping[str, str]) -> None:
    if changed.digest == present.digest and cases_of(files_of(brand)) == bytes_of(cases):
        raise Problem(f"{brand.name} goes by exactly this already; nothing would change")
    waiting = brand.publications.filter(pack=changed.digest, state="proposed").first()
    if waiting is None:
        return
    if waiting.cases == cases:
        raise Problem(f"{waiting.author} has proposed exactly this already, and it waits for a decision")
    raise Problem(
        f"{waiting.author} has proposed this policy already, with other cases, and it waits for a decision; "
        "have that decided or withdrawn first"
    )


def is_outdated(publication: Publication) -> bool:
    """Whether a proposal can be approved no more, because another was published since it was made.

    Raises Problem where the policy in force cannot be read.
    """
    return pack_of(publication.brand).digest != publication.previous or _overtaken(publication)


def _overtaken(publication: Publication) -> bool:
    """Whether anything was published for the brand since: with the same pack its cases may be others."""
    proposed = publication.entries.order_by("sequence").values("sequence")[:1]
    later = PublicationEntry.objects.filter(
        brand=publication.brand_id, kind="published", sequence__gt=Subquery(proposed)
    )
    return later.exists()


def files_by_digest(brand: Brand, digest: str) -> dict[str, bytes]:
    """A kept pack's files as an author has them: without the product's safeguards, with the cases published last."""
    text = PackText.objects.filter(pk=digest).first()
    if text is None:
        raise Problem(f"there is no policy {digest[:12]!r} in the database")
    published = Publication.objects.filter(brand=brand, pack=digest, state="published")
    latest = published.order_by("-decided_at", "-pk").first()
    return {**_own(text), **(bytes_of(latest.cases) if latest else _cases_of_folder(brand, digest))}


def files_of_publication(publication: Publication) -> dict[str, bytes]:
    """The files that were put forward, with their own cases."""
    return {**_own(PackText.objects.get(pk=publication.pack_id)), **bytes_of(publication.cases)}


def cases_before(publication: Publication) -> dict[str, bytes]:
    """The cases that lay beside the policy when a publication was put forward; none where that is not known."""
    earlier = Publication.objects.filter(brand=publication.brand_id, pack=publication.previous, state="published")
    latest = earlier.filter(decided_at__lte=publication.proposed_at).exclude(pk=publication.pk)
    found = latest.order_by("-decided_at", "-pk").first()
    return bytes_of(found.cases) if found else _cases_of_folder(publication.brand, publication.previous)


def _own(text: PackText) -> dict[str, bytes]:
    """A kept pack's files without the product's safeguards."""
    return {name: data for name, data in bytes_of(text.files).items() if name != SAFEGUARDS}


def _cases_of_folder(brand: Brand, digest: str) -> dict[str, bytes]:
    """The cases of a pack that was never put forward, while the brand's folder still holds that pack."""
    try:
        files = pack_files(find_pack(brand.pack))
        same = pack_from(files).digest == digest
    except Problem:
        return {}
    return cases_of(files) if same else {}


def _kept(digest: str) -> Pack:
    pack = kept(digest)
    if pack is None:
        raise Problem(f"the text of the policy {digest[:12]} is not in the database; restore it from a backup")
    return pack


# --- deciding -------------------------------------------------------------------------------------------------------


def _locked(brand: Brand) -> Brand:
    """The brand's row, locked and as it stands: whoever publishes for it waits here for whoever does at the moment."""
    return Brand.objects.select_for_update().get(pk=brand.pk)


def _to_decide(publication: Publication) -> tuple[Brand, Publication]:
    brand = Brand.objects.select_for_update().get(pk=publication.brand_id)
    found = Publication.objects.select_for_update().get(pk=publication.pk)
    if found.state != "proposed":
        raise Problem(f"this was {found.state} by {found.decided_by} already")
    return brand, found


def _decide(found: Publication, state: str, by: str, reason: str, now: datetime) -> Publication:
    found.state, found.decided_by, found.decided_at, found.reason = state, by, now, reason
    found.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    append_entry(found, now, by, reason)
    return found


def _said(text: str, what: str) -> str:
    if not text.strip():
        raise Problem(f"say {what}")
    return text.strip()


def _is_same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
