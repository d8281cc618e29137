"""A provider's side of the command actuator: a program that keeps a switch for each measure in a file."""

import json
import sys
from pathlib import Path

_PROGRAM = """
import json, pathlib, sys
order, file = json.load(sys.stdin), pathlib.Path(sys.argv[1])
known = json.loads(file.read_text()) if file.exists() else {"on": [], "changes": 0}
place = "/".join(str(order[name]) for name in ("brand", "service", "kind", "ip", "port"))
wanted = {"apply": True, "lift": False, "query": place in known["on"]}[sys.argv[2]]
if wanted != (place in known["on"]):
    known["on"] = sorted({*known["on"], place} if wanted else {*known["on"]} - {place})
    known["changes"] += 1
    file.write_text(json.dumps(known))
print(json.dumps({"state": "in_force" if wanted else "not_in_force"}))
"""


class Panel:
    """The program, and the file in which it keeps what is on."""

    def __init__(self, folder: Path) -> None:
        self._program, self._file = folder / "panel.py", folder / "panel.json"
        self._program.write_text(_PROGRAM)

    @property
    def words(self) -> list[str]:
        return [sys.executable, str(self._program), str(self._file), "{action}"]

    def changes(self) -> int:
        return int(json.loads(self._file.read_text())["changes"]) if self._file.exists() else 0
