"""The rules in a site's robots.txt (RFC 9309), which the standard library reads without wildcards and precedence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from urllib.parse import unquote

# RFC 9309, section 2.5: what a reader has to take in at least.
_LARGEST = 512_000


@dataclass(frozen=True, slots=True)
class Rules:
    """What one group of robots says: (whether it allows, the pattern of paths) and the pause in seconds, 0 for none."""

    paths: tuple[tuple[bool, str], ...] = ()
    pause: float = 0.0

    def allow(self, path: str) -> bool:
        """Whether a path with its query may be read: the longest matching pattern decides, "allow" where two tie."""
        matching = [(len(pattern), allowed) for allowed, pattern in self.paths if _matches(pattern, path)]
        return max(matching)[1] if matching else True


def parse_robots(raw: bytes, robot: str) -> Rules:
    """The rules of a robots.txt for ``robot`` (lower case), else those for all; lines without sense are skipped."""
    groups: dict[str, list[tuple[str, str]]] = {}
    agents: list[str] = []
    naming = False
    for line in raw[:_LARGEST].decode("utf-8-sig", "replace").splitlines():
        field, _, value = (part.strip() for part in line.partition("#")[0].partition(":"))
        field = field.lower()
        if field == "user-agent":
            agents = [*agents, value.lower()] if naming else [value.lower()]
            groups.setdefault(agents[-1], [])
        elif field in ("allow", "disallow", "crawl-delay"):
            for agent in dict.fromkeys(agents):
                groups[agent].append((field, value))
        naming = field == "user-agent" or (naming and field not in ("allow", "disallow", "crawl-delay"))
    lines = groups.get(robot, groups.get("*", []))
    paths = tuple((field == "allow", value) for field, value in lines if field != "crawl-delay" and value)
    return Rules(paths, max((_seconds(value) for field, value in lines if field == "crawl-delay"), default=0.0))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0


def _matches(pattern: str, path: str) -> bool:
    """Whether a path begins with a pattern in which * is any text and a final $ the end; in linear time."""
    to_end = pattern.endswith("$")
    first, *rest = (unquote(part) for part in pattern.removesuffix("$").split("*"))
    path = unquote(path)
    if not path.startswith(first):
        return False
    at = len(first)
    for number, part in enumerate(rest, start=1):
        if to_end and number == len(rest):
            return len(path) - len(part) >= at and path.endswith(part)
        at = path.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return not to_end or at == len(path)
