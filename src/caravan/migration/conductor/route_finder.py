"""Which route of the file an exchange is of, found exactly as the gateway finds it."""

from caravan.migration.config import MigrationConfig, Route
from caravan.migration.exchange import Request
from caravan.migration.gateway.segment_index import SegmentIndex

__all__ = ["RouteFinder"]


class RouteFinder:
    """Finds routes by method and target; the answer is the route and its name, such as ``GET /orders/{id}``."""

    def __init__(self, config: MigrationConfig) -> None:
        by_template: dict[str, dict[str, tuple[str, Route]]] = {}
        for route in config.routes:
            methods = by_template.setdefault(route.template, {})
            for method in route.methods:
                methods[method] = f"{method} {route.template}", route
        self._index: SegmentIndex[dict[str, tuple[str, Route]]] = SegmentIndex()
        for template, methods in by_template.items():
            self._index.add(template, methods)

    def find(self, request: Request) -> tuple[str, Route] | None:
        """Return name and route; None for what the file does not name."""
        methods = self._index.find(request.path.encode("latin-1", "replace"))
        return None if methods is None else methods.get(request.method)
