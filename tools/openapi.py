"""``python -m tools.openapi``: writes docs/reference/openapi.json, the contract of the API, from the routes."""

import json
import tempfile
from pathlib import Path
from typing import Any, Final

from caravan.core.database import DatabaseAddress
from caravan.core.settings import Settings
from caravan.entry.addresses import Addresses
from caravan.entry.api import create_app
from caravan.entry.commands.explain import import_everything

__all__ = ["COMMITTED", "current"]

COMMITTED: Final = Path(__file__).parent.parent / "docs" / "reference" / "openapi.json"


def current() -> dict[str, Any]:
    """Return the document of this code: every bridge, every error code whatever was imported; nothing is connected to."""
    import_everything()
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(environment="test", home=Path(home), deduper_bridge=True)
        app, _ = create_app(settings, Addresses(DatabaseAddress("postgresql://nobody@/none"), None, None))
        return app.openapi()


def main() -> None:
    """Write the document."""
    COMMITTED.parent.mkdir(parents=True, exist_ok=True)
    COMMITTED.write_text(json.dumps(current(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"written: {COMMITTED.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
