"""XARF reports, and a client that speaks as a program does."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.test import Client

from abusedesk.records import keys
from abusedesk.records.keys import Wanted
from abusedesk.records.models import ApiKey

_number = count(1)


def xarf4(ip: str = "192.0.2.1", minutes_ago: int = 60, **changed: Any) -> dict[str, Any]:
    """A port scan seen some minutes ago, as XARF 4."""
    contact = {"org": "Example Watch", "contact": "watch@isp.example.net", "domain": "isp.example.net"}
    at = (datetime.now(UTC) - timedelta(minutes=minutes_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "xarf_version": "4.2.0", "report_id": "5a2c1f2e-4c1d-4a52-9c0a-8d0f8d2a0001", "timestamp": at,
        "reporter": contact, "sender": contact, "source_identifier": ip, "source_port": 40123,
        "category": "connection", "type": "port_scan", "protocol": "tcp", "first_seen": at,
    } | changed  # fmt: skip


def xarf3(ip: str = "192.0.2.1") -> dict[str, Any]:
    """The like as XARF 3."""
    at = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "Version": "3",
        "ReporterInfo": {"ReporterOrg": "Example Watch", "ReporterOrgEmail": "watch@isp.example.net"},
        "Report": {"ReportClass": "Activity", "ReportType": "PortScan", "Date": at, "SourceIp": ip},
    }


def key(reporter: str = "watch@isp.example.net", **changed: Any) -> tuple[ApiKey, str]:
    """A reporter's key and its secret."""
    wanted = {"label": f"watch {next(_number)}", "scopes": ["reports"], "reporter": reporter} | changed
    return keys.make(Wanted(**wanted), "ann", datetime.now(UTC))


class Caller:
    """A program with a key."""

    def __init__(self, secret: str) -> None:
        self._client = Client(headers={"Authorization": f"Bearer {secret}"})

    def post(self, path: str, body: Any, *, once: str = "", media: str = "application/json", **headers: str) -> Any:
        """Send a body: text and bytes as they are, anything else as JSON."""
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        headers |= {"Idempotency-Key": once} if once else {}
        return self._client.post(f"/api/v1/{path}", data, content_type=media, headers=headers)

    def get(self, path: str) -> Any:
        """Ask."""
        return self._client.get(f"/api/v1/{path}" if not path.startswith("/") else path)
