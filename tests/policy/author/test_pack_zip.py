"""Zips of packs, most of them made to do harm."""

import stat
import struct
import tracemalloc
import zipfile
from io import BytesIO
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile, ZipInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.policy.author.pack_zip import LARGEST, MOST, belongs, files_from_zip, zip_of
from abusedesk.policy.pack import find_pack, pack_files
from abusedesk.problem import Problem

PACK = b"pack: x\n"


def made(*entries: tuple[str | ZipInfo, bytes], method: int = ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w", method) as folder:
        for name, data in entries:
            folder.writestr(name, data, method)
    return buffer.getvalue()


def refused(data: bytes, words: str) -> None:
    with pytest.raises(Problem, match=words):
        files_from_zip(data)


@pytest.mark.parametrize("name", ["jimcloud", "scalibit"])
def test_a_pack_comes_back_as_it_was(name: str) -> None:
    files = pack_files(find_pack(name))
    assert files_from_zip(zip_of(files)) == files
    assert zip_of(files) == zip_of(dict(reversed(files.items())))


def test_the_folder_may_stand_anywhere_and_have_company() -> None:
    data = made(
        ("my/pack/pack.yaml", PACK),
        ("my/pack/notices/en/complaint.txt", b"n"),
        ("my/pack/cases/a.yaml", b"c"),
        ("my/pack/cases/deep/old/pack.yaml", b"no"),
        ("my/pack/README.md", b"r"),
        ("my/pack/notices/en/.complaint.txt.swp", b"s"),
        ("my/other.txt", b"o"),
        ("__MACOSX/my/pack/._pack.yaml", b"m"),
    )
    assert files_from_zip(data) == {"pack.yaml": PACK, "notices/en/complaint.txt": b"n", "cases/a.yaml": b"c"}


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"no zip at all", b"PK\x05\x06" + b"\0" * 17, zip_of({"pack.yaml": PACK})[:60]]
)
def test_what_is_no_zip_is_said(data: bytes) -> None:
    refused(data, "no zip that can be read")


def test_a_zip_without_a_pack_is_said() -> None:
    refused(made(("readme.txt", b"x")), "no pack.yaml")
    refused(made(), "no pack.yaml")


def test_two_packs_are_not_chosen_between() -> None:
    refused(made(("a/pack.yaml", PACK), ("b/pack.yaml", PACK)), "two packs")


@pytest.mark.parametrize(
    "name", ["../pack.yaml", "/pack.yaml", "a/../../pack.yaml", "/etc/cron.d/pack.yaml", "a/../pack.yaml"]
)
def test_a_path_out_of_the_folder_is_refused(name: str) -> None:
    refused(made((name, PACK)), "a path out of its folder")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "notices/../../x.txt"])
def test_a_path_out_of_the_folder_is_refused_beside_a_good_pack(name: str) -> None:
    refused(made(("pack.yaml", PACK), (name, b"x")), "a path out of its folder")


def test_a_link_is_refused() -> None:
    link = ZipInfo("notices/en/complaint.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(made(("pack.yaml", PACK), (link, b"/etc/passwd")), "is a link")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_given_twice_is_refused() -> None:
    refused(made(("pack.yaml", PACK), ("pack.yaml", b"pack: y\n")), "pack.yaml twice")


def test_a_zip_that_says_how_large_it_is_is_refused_by_that() -> None:
    refused(made(("pack.yaml", b"\0" * (LARGEST + 1))), "more than a pack can")
    refused(made(("pack.yaml", PACK), ("big.bin", b"\0" * LARGEST)), "more than a pack can")
    refused(made(*((f"cases/{number}.yaml", b"") for number in range(MOST + 1))), "more than a pack can")
    refused(b"PK" + b"\0" * LARGEST, "larger than 2 MB")


@pytest.mark.parametrize("method", [ZIP_DEFLATED, ZIP_STORED])
def test_a_zip_that_lies_about_its_size_unpacks_no_more_than_it_says(method: int) -> None:
    honest = made(("pack.yaml", b"\0" * 1_500_000), method=method)
    lying = honest.replace(struct.pack("<L", 1_500_000), struct.pack("<L", 10))
    assert lying != honest
    tracemalloc.start()
    with pytest.raises(Problem):
        files_from_zip(lying)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("method", [ZIP_BZIP2, ZIP_LZMA])
def test_a_method_that_unpacks_without_bounds_is_refused(method: int) -> None:
    bomb = made(("pack.yaml", b"\0" * 50_000_000), method=method)
    lying = bomb.replace(struct.pack("<L", 50_000_000), struct.pack("<L", 1000))
    tracemalloc.start()
    refused(lying, "packed in an unusual way")
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_an_encrypted_zip_is_said() -> None:
    data = bytearray(made(("pack.yaml", PACK)))
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + place] |= 1
    refused(bytes(data), "no zip that can be read")


@given(st.data())
def test_a_damaged_zip_is_a_problem_or_a_pack(data: st.DataObject) -> None:
    whole = bytearray(made(("p/pack.yaml", PACK), ("p/notices/en/a.txt", b"A\n\nB\n")))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        files = files_from_zip(bytes(whole))
    except Problem:
        return
    assert all(belongs(name) for name in files)


@pytest.mark.parametrize(
    "name", ["./pack.yaml", "notices//a.txt", "notices/en/../a.txt", "pack.yaml/", "cases/a/b.yaml", ""]
)
def test_odd_names_do_not_belong(name: str) -> None:
    assert not belongs(name)


def test_the_zip_module_reads_what_is_made() -> None:
    with zipfile.ZipFile(BytesIO(zip_of({"pack.yaml": PACK}))) as folder:
        assert folder.testzip() is None
