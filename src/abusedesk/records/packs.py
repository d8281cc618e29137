"""Packs kept by their digests, so that a decision can be made again whatever becomes of folders and releases."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from django.utils import timezone

from abusedesk.policy.pack import Pack, load_pack, pack_from
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, PackText


def pack_of(brand: Brand) -> Pack:
    """The pack that a brand goes by: the one published for it, or else the one of its name or folder.

    This is the only way to it. Raises Problem where it cannot be read.
    """
    if brand.published_id is None:
        return load_pack(brand.pack)
    pack = kept(brand.published_id)
    if pack is None:
        raise Problem(f"the published policy of {brand.slug} is not in the database; restore it from a backup")
    return pack


def keep(packs: Iterable[Pack]) -> None:
    """Keeps the text of packs that is not kept yet, in the caller's transaction.

    Nothing is remembered between calls: what another transaction takes back, or a restored database never had, must be
    written again.
    """
    wanted = {one.digest: one for one in packs}
    known = set(PackText.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    # One order for all, so that two that keep the same packs do not wait for each other in a circle.
    missing = [wanted[digest] for digest in sorted(wanted.keys() - known)]
    if missing:
        PackText.objects.bulk_create([_text(one) for one in missing], ignore_conflicts=True)


def kept(digest: str) -> Pack | None:
    """The pack of a digest from its kept text; None where there is none.

    Raises Problem where the text is not what was kept, or this release cannot read it.
    """
    try:
        return _kept(digest)
    except PackText.DoesNotExist:
        return None


def read_kept(digest: str) -> Pack:
    """The pack of a digest, read from its kept text anew. Raises Problem as `kept` does, and PackText.DoesNotExist."""
    pack = pack_from(bytes_of(PackText.objects.get(pk=digest).files), f"policy {digest[:12]}")
    if pack.digest != digest:
        raise Problem(f"the text kept of the policy {digest[:12]} was changed afterwards; restore it from a backup")
    return pack


_kept = lru_cache(maxsize=64)(read_kept)


def texts_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """Files as texts, for a column of JSON. Raises Problem for one that is no text."""
    return {name: _decoded(name, data) for name, data in files.items()}


def bytes_of(texts: Mapping[str, str]) -> dict[str, bytes]:
    """The files of such a column."""
    return {name: text.encode() for name, text in texts.items()}


def _decoded(name: str, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Problem(f"{name} cannot be read: {error}; save it as UTF-8 text") from None
    if "\0" in text:
        raise Problem(f"{name} holds a byte of nought, which no text has; save it as text again")
    return text


def _text(pack: Pack) -> PackText:
    if not pack.files:
        raise ValueError(f"the pack {pack.digest[:12]} was made to try something and decides nothing")
    return PackText(
        digest=pack.digest,
        name=pack.name[:100],
        title=pack.title[:300],
        files=texts_of(pack.files),
        first_seen=timezone.now(),
    )
