"""One message as it arrives after DATA: finds its end, and holds no more of it than may be. Pure.

The library reads a message line by line, which takes most of its time, keeps a line that never ends, and can let go of
a message only together with the connection.
"""

_END = b"\r\n.\r\n"
_LINE = b"\r\n"


class Arrival:
    """A message until its end (RFC 5321 section 4.1.1.4).

    `size` is what came of it so far in bytes, `held` what of that is kept. `content` is None until the end is there;
    then `rest` is what came behind it. `refusal` is empty as long as the message is wanted.
    """

    def __init__(self) -> None:
        # A first line is a line as well.
        self._got = bytearray(_LINE)
        self.size = 0
        self.refusal = ""
        self.content: bytes | None = None
        self.rest = b""

    @property
    def held(self) -> int:
        """Bytes that are kept."""
        return len(self._got) if self.content is None else len(self.content)

    def is_larger_than(self, limit: int) -> bool:
        """Whether it has more bytes than `limit`, as far as can be said."""
        so_far = self.size - len(_END) if self.content is None else len(self.content)
        return so_far > limit

    def take(self, data: bytes) -> None:
        """Goes on with what just came."""
        self.size += len(data)
        looked_at = max(len(self._got) - len(_END) + 1, 0)
        self._got += data
        end = self._got.find(_END, looked_at)
        if end >= 0:
            self.rest = bytes(self._got[end + len(_END) :])
            del self._got[end + len(_LINE) :]
            self.content = b"" if self.refusal else _plain(self._got)
            self._got = bytearray()
        elif self.refusal:
            self._drop()

    def refuse(self, why: str) -> None:
        """From now on nothing is kept but what is needed to find the end."""
        self.refusal = why
        if self.content is None:
            self._drop()
        else:
            self.content = b""

    def _drop(self) -> None:
        del self._got[: -len(_END) + 1]


def _plain(lines: bytearray) -> bytes:
    """Without the dots that were put before dots (RFC 5321 section 4.5.2), and without the line before the first."""
    if _LINE + b"." in lines:
        lines = lines.replace(_LINE + b".", _LINE)
    return bytes(memoryview(lines)[len(_LINE) :])
