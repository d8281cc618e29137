"""What the fuzzer starts from: the samples of the tests, and shapes that a reader may stumble over. All made up."""

import base64
import gzip
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

_SAMPLES = Path(__file__).parents[1] / "tests" / "parsing" / "samples"
_HEAD = b"From: a@example.net\nTo: abuse@example.com\nSubject: abuse from 198.51.100.7\n"


def seeds() -> Iterator[tuple[str, bytes]]:
    """Each seed with a name for its file."""
    for path in sorted(_SAMPLES.iterdir()):
        if not path.name.endswith(".expected.json"):
            yield path.name, path.read_bytes()
    yield from _SHAPES.items()


def _zipped(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return target.getvalue()


_CSV = b"timestamp,ip,asn,geo,port\n2026-03-03 10:00:00,198.51.100.1,64496,DE,53\n"
_MULTI = b'Content-Type: multipart/mixed; boundary="b"\n\n'

_SHAPES = {
    "zip": _zipped("2026-03-03-scan_dns-x-asn.csv", _CSV),
    "gzip": gzip.compress(_CSV),
    "zip-in-zip": _zipped("a.zip", _zipped("a.eml", _HEAD + b"\nspam from 198.51.100.7\n")),
    "mbox": (b"From a@example.net Tue Mar  3 10:00:00 2026\n" + _HEAD + b"\nspam\n\n") * 2,
    "base64-part": _HEAD
    + b"Content-Transfer-Encoding: base64\n\n"
    + base64.encodebytes(b"port scan from 198.51.100.7 at 2026-03-03 10:00:00 UTC"),
    "no-boundary": _HEAD + b"Content-Type: multipart/mixed\n\n--xxxxxx\nContent-Type: text/plain\n\nspam\n--xxxxxx--\n",
    "nested": _HEAD + _MULTI + b"--b\nContent-Type: message/rfc822\n\n" + _HEAD + _MULTI + b"--b\n\nspam\n--b--\n",
    "utf7": _HEAD + b"Content-Type: text/plain; charset=utf-7\n\n+AEE-buse from 198.51.100.7\n",
    "utf16": _HEAD + b"Content-Type: text/plain; charset=utf-16\n\n" + "spam from 198.51.100.7".encode("utf-16"),
    "words": _HEAD + b"X: =?x?b?YQ==?= =?x?q?=A?=\nReceived: from a ([198.51.100.7]) by b; 3 Mar 2026 10:00 GMT\n\n",
    "html": _HEAD + b"Content-Type: text/html\n\n<head><p>spam<td><a href='http://198.51.100.7/x'>x</a><!-- ",
    "access-log": _HEAD + b'\n198.51.100.7 - - [03/Mar/2026:10:00:00 +0100] "GET /wp-login.php HTTP/1.1" 404 1\n',
    "firewall-log": _HEAD + b"\nMar  3 10:00:00 h kernel: SRC=198.51.100.7 DST=192.0.2.1 PROTO=TCP SPT=4 DPT=22\n",
    "arrow": _HEAD + b"\n2026-03-03T10:00:00Z 198.51.100.7:40 -> 192.0.2.1:2 hxxp://bad[.]example.org/ 2001:db8::1\n",
    "x-arf": _HEAD + b"\nReported-From: a@example.net\nReport-Type: login-attack\nSource: 198.51.100.7\n"
    b"Source-Type: ipv4\nSchema-URL: http://example.org/s\nDate: Tue, 3 Mar 2026 10:00:00 +0000\n",
    "iodef": b'<?xml version="1.0"?><IODEF-Document version="2.00" xmlns="urn:ietf:params:xml:ns:iodef-2.0">'
    b'<Incident purpose="reporting"><IncidentID name="example.net">1</IncidentID>'
    b"<StartTime>2026-03-03T10:00:00Z</StartTime>"
    b'<System category="source"><Node><Address category="ipv4-addr">198.51.100.7</Address></Node></System></Incident>'
    b"</IODEF-Document>",
    "json-lines": b'{"ip":"198.51.100.7","timestamp":1772532000,"type":"scan"}\n' * 3,
    "xarf": b'{"xarf_version":"4.2.0","report_id":"x","timestamp":"2026-03-03T10:00:00Z","reporter":'
    b'{"org":"a","contact":"b","domain":"c"},"sender":{"org":"a","contact":"b","domain":"c"},"source_identifier":"198.51.100.7","category":'
    b'"messaging","type":"spam","protocol":"sms"}',
    "table": b"# feed\n# ip | port | seen\n198.51.100.7 | 22 | 2026-03-03 10:00:00\n",
}  # fmt: skip
