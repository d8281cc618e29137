"""Packs kept by their digests."""

import threading
import time
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from abusedesk.policy.author.always import always
from abusedesk.policy.pack import Pack, find_pack, load_pack, pack_files, pack_from
from abusedesk.problem import Problem
from abusedesk.records.models import Decision, PackText
from abusedesk.records.packs import keep, kept, pack_of
from tests.desk.estate import known_reporter, provider, signed_complaint, take, with_addresses

pytestmark = pytest.mark.django_db


def other(title: str = "Another title") -> Pack:
    """JimCloud's pack under another title, so under a digest of its own."""
    files = pack_files(find_pack("jimcloud"))
    was = f"title: {load_pack('jimcloud').title}".encode()
    assert was in files["pack.yaml"]
    return pack_from({**files, "pack.yaml": files["pack.yaml"].replace(was, f"title: {title}".encode())})


def test_a_pack_that_is_kept_comes_back_by_its_digest() -> None:
    pack = other("Came back")
    keep([pack, pack])
    keep([pack])
    again = kept(pack.digest)
    assert again is not None
    assert (again.digest, again.title, again.files) == (pack.digest, "Came back", pack.files)


def test_what_was_never_kept_is_not_there() -> None:
    assert kept("0" * 64) is None


def test_a_pack_made_to_try_something_is_not_kept() -> None:
    with pytest.raises(ValueError, match="to try something"):
        keep([always(load_pack("jimcloud"))])


def test_a_kept_text_is_never_changed_or_deleted() -> None:
    pack = other("Never")
    keep([pack])
    for change in ("UPDATE records_packtext SET title = 'x'", "DELETE FROM records_packtext"):
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)


def test_a_text_that_is_not_what_its_digest_says_is_refused() -> None:
    files = {name: data.decode() for name, data in other("Forged").files.items()}
    PackText.objects.create(digest="f" * 64, name="jimcloud", title="x", files=files, first_seen=timezone.now())
    with pytest.raises(Problem, match="changed afterwards"):
        kept("f" * 64)


def test_a_brand_goes_by_its_named_pack_until_one_is_published() -> None:
    brand = provider().brand
    assert pack_of(brand) is load_pack("jimcloud")
    pack = other("Published")
    keep([pack])
    brand.published_id = pack.digest
    assert pack_of(brand).title == "Published"
    assert pack_of(brand) is pack_of(brand)


def test_a_published_pack_that_is_gone_is_said() -> None:
    brand = provider().brand
    brand.published_id = "0" * 64
    with pytest.raises(Problem, match="restore it from a backup"):
        pack_of(brand)


def test_no_decision_is_stored_without_the_text_of_its_pack(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    for name, data in pack_files(find_pack("jimcloud")).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data + b"# our own\n" if name == "pack.yaml" else data)
    known_reporter("isp.example.net")
    with_addresses(provider(pack=str(folder)))
    take(signed_complaint("isp.example.net"))
    digest = bytes(Decision.objects.get().pack_digest).hex()
    assert digest not in {load_pack(one).digest for one in ("jimcloud", "scalibit")}
    assert kept(digest) is not None
    assert PackText.objects.get(pk=digest).files["pack.yaml"].endswith("# our own\n")


def test_a_pack_whose_first_decision_was_taken_back_is_kept_with_the_next() -> None:
    known_reporter("isp.example.net")
    with_addresses(provider())
    with transaction.atomic():
        take(signed_complaint("isp.example.net"))
        assert PackText.objects.count() == 1
        transaction.set_rollback(True)
    assert PackText.objects.count() == 0
    take(signed_complaint("isp.example.net"))
    assert PackText.objects.get().digest == bytes(Decision.objects.get().pack_digest).hex()


@pytest.mark.django_db(transaction=True)
def test_two_that_keep_the_same_packs_at_once_wait_for_each_other() -> None:
    packs = [other(f"At once {number}") for number in range(3)]
    ready = threading.Barrier(4)
    failures: list[Exception] = []

    def keep_them(order: list[Pack]) -> None:
        ready.wait()
        try:
            with transaction.atomic():
                keep(order)
                time.sleep(0.05)
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=keep_them, args=(order,)) for order in (packs, packs[::-1]) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert PackText.objects.count() == 3


def test_a_worker_takes_up_what_was_published_with_its_next_decision() -> None:
    known_reporter("isp.example.net")
    jim = with_addresses(provider())
    take(signed_complaint("isp.example.net"))
    pack = other("Taken up")
    keep([pack])
    type(jim.brand).objects.filter(pk=jim.brand.pk).update(published=pack.digest)
    take(signed_complaint("isp.example.net", note="2", ip="192.0.2.3"))
    first, second = Decision.objects.order_by("pk")
    assert bytes(first.pack_digest).hex() == load_pack("jimcloud").digest
    assert bytes(second.pack_digest).hex() == pack.digest
