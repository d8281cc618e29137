"""JSON schemas of the bodies that are read as bytes, for the description of the API."""

from typing import Any

import msgspec


def schema_of(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The schema of a struct, whole in itself."""
    (_,), parts = msgspec.json.schema_components([struct], ref_template="#/components/schemas/{name}")
    whole = _inlined(parts[struct.__name__], parts)
    return {**whole, "description": " ".join((struct.__doc__ or "").split())}


def _inlined(part: Any, parts: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_inlined(one, parts) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(parts[part["$ref"].rpartition("/")[2]], parts)
    return {name: _inlined(one, parts) for name, one in part.items()}
