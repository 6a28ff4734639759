"""The migration file: ``migration.toml`` as typed values."""

from caravan.migration.config.capture import Capture
from caravan.migration.config.compare import Canonical, Compare, Mask, Unordered
from caravan.migration.config.gates import Canary, Counter, Gates, Shadow
from caravan.migration.config.model import (
    DataSet,
    MigrationConfig,
    MigrationHead,
    Side,
    Source,
    Target,
    Waiver,
)
from caravan.migration.config.operation import Alerts, Gateway, Operator, Override
from caravan.migration.config.reading import ConfigError, read_config, read_config_text
from caravan.migration.config.routes import Route, Unit

__all__ = [
    "Alerts",
    "Canary",
    "Canonical",
    "Capture",
    "Compare",
    "ConfigError",
    "Counter",
    "DataSet",
    "Gates",
    "Gateway",
    "Mask",
    "MigrationConfig",
    "MigrationHead",
    "Operator",
    "Override",
    "Route",
    "Shadow",
    "Side",
    "Source",
    "Target",
    "Unit",
    "Unordered",
    "Waiver",
    "read_config",
    "read_config_text",
]
