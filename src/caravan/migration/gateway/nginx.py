"""The same table for nginx, for those whose traffic passes nginx already or needs more than one machine.

What nginx does otherwise, and the rendering says so in its first lines: it does not hold writes (a held unit's get 503 with
Retry-After), does not know who wrote a moment ago (a canary's writes and the member's reads may be on two sides for the
lag), hashes cohort keys its own way (members differ from the gateway's, and stay members at a greater share all the same),
and hands no copies to the shadow: the tap stands beside it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from caravan.migration.gateway.plan import CANARY, SWITCHED, CohortKey, PlannedRoute, PlannedUnit, RoutePlan
from caravan.migration.gateway.side_pool import SideAddress

__all__ = ["NotRenderableError", "render_nginx"]

_PARAMETER: Final = re.compile(r"(\{[^{}/]*\})")


class NotRenderableError(ValueError):
    """The table says something that nginx cannot do."""


def render_nginx(plan: RoutePlan, old: SideAddress, new: SideAddress, *, listen: str) -> str:
    """Return what belongs into nginx's ``http`` block. nginx 1.18 or later; only modules of every package."""
    routes = list(_rules(plan))
    return "\n".join([*_notes(), *_upstreams(old, new), *_maps(plan, routes), *_server(listen), ""])


def _notes() -> Iterator[str]:
    yield "# Made by `caravan gateway nginx`; made anew it replaces the whole file, then `nginx -s reload`."
    yield "# Held writes get 503; a canary's members are nginx's own; copies for the shadow come from the gateway only."


def _upstreams(old: SideAddress, new: SideAddress) -> Iterator[str]:
    # One server and no kept connections: nginx then sends nothing twice.
    for name, servers in {
        "caravan_old": [old],
        "caravan_new": [new],
        "caravan_new_or_old": [new, old],
    }.items():
        first, *backups = (server.authority.decode() for server in servers)
        yield f"upstream {name} {{"
        yield f"    server {_with_port(first, servers[0])} max_fails=0;"
        yield from (f"    server {_with_port(one, servers[1])} backup;" for one in backups)
        yield "}"


def _with_port(authority: str, address: SideAddress) -> str:
    return authority if authority.endswith(f":{address.port}") else f"{authority}:{address.port}"


def _rules(plan: RoutePlan) -> Iterator[tuple[str, PlannedRoute, PlannedUnit | None, bool]]:
    """Yield (pattern, route, unit, is a write), the more specific templates first."""
    ordered = sorted(plan.routes, key=lambda route: _specificity(route.template))
    for route in ordered:
        unit = plan.unit(route.unit) if route.unit is not None else None
        methods = [*route.methods, *(["HEAD"] if "GET" in route.methods else [])]
        yield (
            f"(?:{'|'.join(map(re.escape, methods))}) {_pattern(route.template)}",
            route,
            unit,
            route.effect == "write",
        )
    seen: set[str] = set()
    for route in ordered:
        if route.template not in seen:
            seen.add(route.template)
            unit = plan.unit(route.unit) if route.unit is not None else None
            yield f"OPTIONS {_pattern(route.template)}", route, unit, False
            yield f"[A-Z]+ {_pattern(route.template)}", route, unit, True


def _specificity(template: str) -> tuple[int, ...]:
    return tuple(
        2 if segment.endswith(":path}") else 1 if _PARAMETER.search(segment) else 0
        for segment in template.split("/")
    )


def _pattern(template: str) -> str:
    pieces = []
    for segment in template.split("/")[1:]:
        if segment.endswith(":path}"):
            pieces.append(".+")
        elif _PARAMETER.search(segment):
            pieces.append("[^/]+")
        else:
            pieces.append(re.escape(segment))
    return "/" + "/".join(pieces) + "/?"


def _maps(plan: RoutePlan, rules: list[tuple[str, PlannedRoute, PlannedUnit | None, bool]]) -> Iterator[str]:
    canaries = [unit for unit in plan.units if unit.state == CANARY]
    arms: dict[tuple[str, CohortKey], str] = {}
    for canary in canaries:
        if canary.window is not None:
            raise NotRenderableError(f"unit {canary.name}: nginx knows no time window")
        for key in dict.fromkeys(
            route.key for route in plan.routes if route.unit == canary.name and route.key
        ):
            name = f"$caravan_arm_{len(arms)}"
            arms[(canary.name, key)] = name
            yield from _arm(name, canary, key)
    yield 'map "$request_method $uri" $caravan_side {'
    yield "    default caravan_old;"
    for pattern, route, unit, write in rules:
        yield f'    "~*^{pattern}$" {_side(route, unit, arms, write=write)};'
    yield "}"
    held = [(pattern, unit) for pattern, _, unit, write in rules if write and unit is not None and unit.held]
    yield 'map "$request_method $uri" $caravan_held {'
    yield '    default "";'
    reads = [pattern for pattern, _, unit, write in rules if not write and unit is not None and unit.held]
    yield from (f'    "~*^{pattern}$" "";' for pattern in reads)
    yield from (f'    "~*^{pattern}$" 1;' for pattern, _ in held)
    yield "}"
    yield 'map $http_x_request_id $caravan_request_id { default $http_x_request_id; "" $request_id; }'
    yield 'map $http_upgrade $caravan_connection { default ""; ~*^websocket$ upgrade; }'
    yield 'map $http_upgrade $caravan_upgrade { default ""; ~*^websocket$ $http_upgrade; }'


def _arm(name: str, unit: PlannedUnit, key: CohortKey) -> Iterator[str]:
    source = _variable(key)
    share = f"{unit.share * 100:.2f}"
    yield f'split_clients "{unit.salt or unit.name}{source}" {name}_hash {{'
    if float(share) > 0:
        yield f"    {share}% caravan_new;"
    yield "    * caravan_old;"
    yield "}"
    yield f"map {source} {name} {{"
    yield f"    default {name}_hash;"
    yield '    "" caravan_old;'
    yield from (f"    {_quoted(value)} caravan_new;" for value in _distinct(unit.include, unit.exclude))
    yield from (f"    {_quoted(value)} caravan_old;" for value in dict.fromkeys(unit.exclude))
    yield "}"


def _distinct(values: Iterable[str], without: Iterable[str]) -> list[str]:
    out = set(without)
    return [value for value in dict.fromkeys(values) if value not in out]


def _variable(key: CohortKey) -> str:
    if key.kind == "address":
        return "$remote_addr"
    prefix = {"header": "http", "cookie": "cookie", "query": "arg"}[key.kind]
    name = key.name.lower().replace("-", "_")
    if not re.fullmatch(r"\w+", name):
        raise NotRenderableError(f"nginx has no variable for the {key.kind} {key.name}")
    return f"${prefix}_{name}"


def _side(
    route: PlannedRoute, unit: PlannedUnit | None, arms: dict[tuple[str, CohortKey], str], *, write: bool
) -> str:
    fallback = route.fallback and not write
    if unit is None:
        side = route.side
    elif unit.state == CANARY:
        arm = arms.get((unit.name, route.key)) if route.key else None
        if arm is None or (write and unit.writes != "cohort"):
            return "caravan_old"
        return arm
    else:
        side = "new" if unit.state >= SWITCHED else "old"
    return "caravan_old" if side == "old" else "caravan_new_or_old" if fallback else "caravan_new"


def _quoted(value: str) -> str:
    if re.search(r'["\\$\s;{}]', value):
        raise NotRenderableError(f"the cohort key {value!r} cannot be written in nginx's language")
    return f'"{value}"'


def _server(listen: str) -> Iterator[str]:
    yield "server {"
    yield f"    listen {listen};"
    yield "    client_max_body_size 0;"
    yield "    underscores_in_headers on;"
    yield "    location / {"
    yield "        add_header Retry-After $caravan_held always;"
    yield "        if ($caravan_held) { return 503; }"
    yield "        proxy_pass http://$caravan_side;"
    yield "        proxy_http_version 1.1;"
    yield "        proxy_request_buffering off;"
    yield "        proxy_buffering off;"
    yield "        proxy_next_upstream error timeout http_500 http_502 http_503 http_504;"
    yield "        proxy_set_header Host $http_host;"
    yield "        proxy_set_header Connection $caravan_connection;"
    yield "        proxy_set_header Upgrade $caravan_upgrade;"
    yield "        proxy_set_header X-Forwarded-For $remote_addr;"
    yield "        proxy_set_header X-Forwarded-Proto $scheme;"
    yield "        proxy_set_header X-Forwarded-Host $http_host;"
    yield "        proxy_set_header X-Request-ID $caravan_request_id;"
    yield "    }"
    yield "}"
