"""Containers, outcomes and the promise that `read` never raises."""

import gzip
import io
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abusedesk.parsing import read as reading_module
from abusedesk.parsing.material import Format, Material
from abusedesk.parsing.read import formats, messages, read

SAMPLES = Path(__file__).parent / "samples"
BYTES = [path.read_bytes() for path in sorted(SAMPLES.iterdir()) if not path.name.endswith(".expected.json")]
ARF = (SAMPLES / "arf-plain.eml").read_bytes()


def zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def test_formats_are_found_by_entry_point_in_order_of_priority() -> None:
    names = [one.name for one in formats()]
    assert [one.priority for one in formats()] == sorted(one.priority for one in formats())
    assert names.index("arf") < names.index("noise") < names.index("prose")
    assert names[-1] == "prose"
    assert {"form", "xarf", "xarf3", "x-arf", "shadowserver", "acns", "noise"} <= set(names)


def test_zip_is_read_as_one_with_all_events() -> None:
    reading = read(zipped({"a.eml": ARF, "b.eml": ARF.replace(b"198.51.100.7", b"198.51.100.70")}), "two.zip")
    assert [event.source for event in reading.events] == ["198.51.100.7", "198.51.100.70"]


def test_mbox_is_split_into_its_mails() -> None:
    box = b"".join(b"From x@example.net Tue Mar  3 10:00:00 2026\n" + ARF + b"\n" for _ in range(3))
    assert len(list(messages(box, "box"))) == 3


def test_gzip_is_opened() -> None:
    assert read(gzip.compress(ARF), "a.eml.gz").outcome == "reported"


def test_archive_in_a_mail_is_opened() -> None:
    name = "2026-03-03-scan_dns-example-asn.csv"
    import base64

    packed = base64.encodebytes(zipped({name: (SAMPLES / name).read_bytes()}))
    mail = b"From: a@example.net\nSubject: feed\n"
    mail += b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nhi\n'
    mail += b"--b\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n\n" + packed + b"--b--\n"
    assert [event.source for event in read(mail).events] == ["198.51.100.1", "2001:db8::5"]


def test_report_and_noise_together_are_a_report() -> None:
    assert read(zipped({"a.eml": ARF, "b.eml": (SAMPLES / "away.eml").read_bytes()})).outcome == "reported"


def test_damaged_archive_asks_a_person() -> None:
    assert read(zipped({"a.eml": ARF})[:60], "cut.zip").outcome == "needs_review"


@pytest.mark.parametrize("ending", [b"\r\n", b"\r"])
def test_line_endings_do_not_matter(ending: bytes) -> None:
    assert read(ARF.replace(b"\n", ending)).events == read(ARF).events


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=3000), st.text(max_size=20))
def test_random_bytes_are_read(data: bytes, name: str) -> None:
    assert read(data, name).outcome in {"reported", "not_a_report", "needs_review", "rejected"}


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(BYTES), st.integers(0, 2000), st.integers(0, 200), st.binary(max_size=60))
def test_mutated_samples_are_read(data: bytes, place: int, cut: int, inserted: bytes) -> None:
    reading = read(data[:place] + inserted + data[place + cut :])
    assert reading.outcome != "reported" or reading.events


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(BYTES), st.sampled_from(BYTES), st.integers(0, 1500))
def test_spliced_samples_are_read(first: bytes, second: bytes, place: int) -> None:
    reading = read(first[:place] + second)
    assert reading.outcome == "reported" or reading.reason


HOSTILE = {
    "zip bomb": zipped({f"{number}.txt": b"0" * 30_000_000 for number in range(3)}),
    "nested zips": zipped({"a.zip": zipped({"b.zip": zipped({"c.zip": zipped({"d.zip": zipped({"e": ARF})})})})}),
    "encoded words": b"From: a@example.net\nSubject: " + b"=?utf-8?q?a?= " * 20_000 + b"\n\nhello\n",
    "one long header": b"From: a@example.net\nX-Long: " + b"a" * 5_000_000 + b"\n\nhello\n",
    "many headers": b"From: a@example.net\n" + b"X: y\n" * 300_000 + b"\nhello\n",
    "deep multipart": b"From: a@example.net\n"
    + b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(2000)),
    "deep messages": b"From: a@example.net\n" + b"Content-Type: message/rfc822\n\n" * 3000,
    "deep JSON": b"[" * 200_000,
    "one long line": b"From: a@example.net\nSubject: abuse\n\n" + b"1.2.3.4 from " * 100_000,
    "dots": b"From: a@example.net\nSubject: abuse\n\n" + b"1." * 300_000,
    "colons": b"From: a@example.net\nSubject: spam\n\n" + b"a:" * 300_000,
    "spaces": b"From: a@example.net\nSubject: spam attack\n\n" + b" " * 1_000_000 + b"\n" * 100_000,
    "quotes in CSV": b'"timestamp","ip","asn","geo"\n"' + b'""' * 500_000,
    "tags": b"From: a@example.net\n\n<Infringement acns " + b"<a" * 300_000,
    "yaml": b"From: a@example.net\n\n" + b"Source: &a [*a]\nReport-Type: x\nSchema-URL: y\n" * 20_000,
    "received": b"From: a@example.net\nSubject: spam\n\n" + b"Received: from a (1.2.3.4) by b; x\n" * 50_000,
    "links in long lines": b"From: a@example.net\nSubject: phishing\n\n"
    + (b"http://a.example.org/x " * 60 + b"\n") * 700,
    "addresses in long lines": b"From: a@example.net\nSubject: attack\n\n"
    + (b"2001:db8::1 198.51.100.7 " * 60 + b"\n") * 600,
    "iodef": b"<IODEF-Document " + b'<System category="source">' * 40_000,
    "open lengths": b"From: a@example.net\nContent-Type: application/pkcs7-mime\n\n" + b"\x30\x80" * 400_000,
    "html": b"From: a@example.net\nContent-Type: text/html\n\n" + b"<div>" * 200_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_neither_raises_nor_stalls(name: str) -> None:
    begin = time.process_time()
    reading = read(HOSTILE[name])
    assert reading.outcome != "reported" or reading.events
    assert time.process_time() - begin < 3


def test_a_format_that_fails_does_not_cost_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(material: Material) -> None:
        raise RuntimeError("broken plug-in")

    monkeypatch.setattr(reading_module, "formats", lambda: (Format("broken", 1, fail), *formats()))
    assert read(ARF).outcome == "reported"
    assert read((SAMPLES / "away.eml").read_bytes()).reason == "reading it as broken failed: RuntimeError"
