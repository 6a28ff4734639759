"""Settings from the environment, ``.env`` and a secrets directory; a wrong one is named with its problem and an example."""

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from caravan.core.errors import CaravanError

__all__ = ["Settings", "SettingsError", "load_settings", "variable_name"]

_UNPREFIXED: Final = {"database_url": "DATABASE_URL", "redis_url": "REDIS_URL", "broker_url": "BROKER_URL"}

_EXAMPLES: Final[Mapping[str, str]] = {
    "DATABASE_URL": "postgresql://caravan:password@db.internal:5432/caravan",
    "REDIS_URL": "redis://cache.internal:6379/0",
    "BROKER_URL": "amqp://caravan:password@mq.internal:5672//",
    "CARAVAN_ENVIRONMENT": "production",
    "CARAVAN_HOME": "/var/lib/caravan",
    "CARAVAN_PUBLIC_URL": "https://api.example.com",
    "CARAVAN_PORT": "8000",
    "CARAVAN_PROCESSES": "2",
    "CARAVAN_TRUSTED_HOSTS": "api.example.com,localhost",
    "CARAVAN_CORS_ORIGINS": "https://portal.example.com",
    "CARAVAN_LOG_LEVEL": "info",
    "CARAVAN_TRACES": "otlp",
}


class SettingsError(CaravanError):
    code = "settings_invalid"
    status = 500
    title = "A setting is wrong"
    fix = "Correct the variable named in the message in the environment, in .env or in the secrets directory."


class Settings(BaseSettings):
    """Everything an operator may set. Times are seconds, sizes bytes."""

    model_config = SettingsConfigDict(
        env_prefix="CARAVAN_",
        env_file=".env",
        secrets_dir=None,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        env_ignore_empty=True,
    )

    environment: Literal["development", "test", "production"] = "development"
    home: Path = Path(".caravan")
    secrets_dir: Path | None = None

    database_url: str | None = Field(
        default=None, validation_alias=AliasChoices("DATABASE_URL", "CARAVAN_DATABASE_URL")
    )
    redis_url: str | None = Field(
        default=None, validation_alias=AliasChoices("REDIS_URL", "CARAVAN_REDIS_URL")
    )
    broker_url: str | None = Field(
        default=None, validation_alias=AliasChoices("BROKER_URL", "CARAVAN_BROKER_URL")
    )
    database_pool: Annotated[int, Field(ge=1, le=100)] = 5
    read_pool: Annotated[int, Field(ge=1, le=100)] = 4
    statement_timeout: Annotated[float, Field(gt=0)] = 30
    lock_timeout: Annotated[float, Field(gt=0)] = 5

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    public_url: str | None = None
    trusted_hosts: Annotated[tuple[str, ...], NoDecode] = ("localhost", "127.0.0.1", "[::1]")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    max_body_bytes: Annotated[int, Field(ge=1024)] = 1_048_576
    idempotency_hours: Annotated[int, Field(ge=1, le=720)] = 24

    access_token_seconds: Annotated[int, Field(ge=60, le=3600)] = 900
    refresh_token_days: Annotated[int, Field(ge=1, le=365)] = 30
    portal_token_secret: SecretStr | None = None
    portal_token_max_age: Annotated[int, Field(ge=60, le=2_592_000)] = 28_800
    password_reset_seconds: Annotated[int, Field(ge=300, le=86_400)] = 3600

    dry_run_secret: Annotated[SecretStr | None, Field(min_length=16)] = None
    dry_run_key: Annotated[str, Field(pattern=r"^[\w.-]{1,64}$")] = "k1"

    rate_limit_requests: Annotated[int, Field(ge=1)] = 6000
    rate_limit_login: Annotated[int, Field(ge=1)] = 20
    rate_limit_window: Annotated[int, Field(ge=1, le=3600)] = 60
    rate_limits: bool = True

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    traces: Literal["none", "console", "otlp"] = "none"
    trace_sample: Annotated[float, Field(ge=0, le=1)] = 0.1

    email_provider: Literal["null"] = "null"
    sms_provider: Literal["null"] = "null"

    quarantine_days: Annotated[int, Field(ge=1, le=3650)] = 90

    job_output_days: Annotated[int, Field(ge=1, le=3650)] = 30

    deduper_bridge: bool = False
    deduper_list_length: Annotated[int, Field(ge=1, le=100_000)] = 1000
    deduper_timeout: Annotated[float, Field(gt=0)] | None = None
    deduper_clear_timeout: Annotated[float, Field(gt=0, le=3600)] = 60

    gateway_admin_host: str = "127.0.0.1"
    gateway_admin_port: Annotated[int, Field(ge=1, le=65535)] = 8081
    gateway_rewrite_host: bool = False
    gateway_head_seconds: Annotated[float, Field(gt=0)] = 10
    gateway_body_seconds: Annotated[float, Field(gt=0)] = 30
    gateway_answer_seconds: Annotated[float, Field(gt=0)] = 60
    gateway_stream_seconds: Annotated[float, Field(gt=0)] = 300
    gateway_lease_seconds: Annotated[float, Field(gt=1, le=60)] = 5
    gateway_drain_seconds: Annotated[float, Field(gt=0)] = 15
    gateway_access_log: Annotated[float, Field(ge=0, le=1)] = 1.0
    gateway_tap: Path | None = None

    migration_files: Annotated[tuple[Path, ...], NoDecode] = ()

    console_host: str = "127.0.0.1"
    console_port: Annotated[int, Field(ge=1, le=65535)] = 8083
    console_url: str | None = None

    conductor_admin_port: Annotated[int, Field(ge=1, le=65535)] = 8082
    conductor_promotes: bool = True
    conductor_four_eyes: bool = False
    conductor_record: str | None = None
    conductor_redact: Annotated[tuple[str, ...], NoDecode] = ()
    shadow_dry_run_secret: Annotated[SecretStr | None, Field(min_length=16)] = None
    shadow_dry_run_key: Annotated[str, Field(pattern=r"^[\w.-]{1,64}$")] = "k1"
    alert_webhook_secret: SecretStr | None = None

    @field_validator(
        "trusted_hosts",
        "trusted_proxies",
        "cors_origins",
        "migration_files",
        "conductor_redact",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("database_url")
    @classmethod
    def _postgres_only(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme.split("+")[0] not in {"postgresql", "postgres"}:
            raise ValueError("must begin with postgresql://; Caravan keeps its data in PostgreSQL")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_only(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @property
    def keys_folder(self) -> Path:
        """Where signing and data keys are kept, 0600 each."""
        return self.home / "keys"

    @property
    def url(self) -> str:
        """The address people type."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def variable_name(field: str) -> str:
    """Return the environment variable of a setting."""
    return _UNPREFIXED.get(field, f"CARAVAN_{field.upper()}")


def load_settings(**overrides: object) -> Settings:
    """Read the settings; raises ``SettingsError`` naming each wrong variable, its problem and an example."""
    secrets = overrides.pop("secrets_dir", None) or os.environ.get("CARAVAN_SECRETS_DIR")
    values: dict[str, Any] = {"_secrets_dir": str(secrets) if secrets else None, **overrides}
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError("\n".join(_problems(error))) from None


def _problems(error: ValidationError) -> list[str]:
    lines = []
    for item in error.errors():
        field = str(item["loc"][0]) if item["loc"] else ""
        name = field if field in _UNPREFIXED.values() else variable_name(field)
        example = _EXAMPLES.get(name) or _default(name)
        message = item["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {message} (given: {_shown(name, item['input'])}; example: {example})")
    return lines


def _shown(name: str, value: object) -> str:
    return "***" if name.endswith(("_URL", "_SECRET")) else repr(value)


@lru_cache
def _default(name: str) -> str:
    field = Settings.model_fields.get(name.removeprefix("CARAVAN_").lower())
    return str(field.default) if field is not None else ""
