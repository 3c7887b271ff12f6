"""The address of an endpoint, taken apart once."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Address:
    """`https://host:443/v1` in parts. `path` has no slash at its end and holds the version, as in `/v1`."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def encrypted(self) -> bool:
        return self.scheme == "https"

    @property
    def loopback(self) -> bool:
        """Whether what is sent there stays on this machine: `localhost`, 127.0.0.0/8 or ::1."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def api(self, path: str) -> str:
        """The URL of `/models`, `/chat/completions` and the like."""
        return f"{self.scheme}://{self.place}{self.path}{path}"

    def server(self, path: str) -> str:
        """The URL of what stands beside the versioned interface, such as `/tokenize`."""
        return f"{self.scheme}://{self.place}{re.sub(r'/v[0-9]+$', '', self.path)}{path}"


def parse_address(url: str) -> Address:
    """The parts of a base URL; `/v1` is added where it has no path. ValueError says what is wrong with it."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https"):
        raise ValueError("the address begins with http:// or https://")
    if not parts.hostname or re.search(r"[\s\x00-\x1f]", url.strip()):
        raise ValueError("the address has no host, or a space in it")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise ValueError("the port is a number from 1 to 65535") from None
    path = parts.path.rstrip("/")
    if path.endswith(("/completions", "/models")):
        raise ValueError("give the base address, such as http://127.0.0.1:8000/v1, without the name of a service")
    return Address(parts.scheme, parts.hostname, port, path or "/v1")
