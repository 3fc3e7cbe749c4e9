"""A forecast for machines: camelCase as in the resource, times in seconds."""

from typing import Any

import msgspec
import yaml
from pydantic.alias_generators import to_camel

from azure_linux_migrator.forecast.forecast import Forecast, grave


def as_json(forecast: Forecast) -> str:
    """As JSON, indented."""
    return msgspec.json.format(msgspec.json.encode(plain(forecast)), indent=2).decode()


def as_yaml(forecast: Forecast) -> str:
    """As YAML."""
    return str(yaml.safe_dump(plain(forecast), sort_keys=False))


def blocked_by(forecast: Forecast) -> list[str]:
    """What blocks, in words; nothing where nothing does."""
    if not forecast.blocked:
        return []
    return grave(forecast.typical) or [f"{forecast.typical.ending}: {forecast.typical.message}"]


def plain(forecast: Forecast) -> dict[str, Any]:
    """As plain values, keys in camelCase, times in seconds."""
    builtins: dict[str, Any] = msgspec.to_builtins(
        forecast, enc_hook=lambda value: value.model_dump(mode="json", by_alias=True)
    )
    builtins["typical"]["points"] = [
        {key: round(value, 1) for key, value in point.items()}
        for point in builtins["typical"]["points"]
    ]
    named: dict[str, Any] = _named(builtins)
    return named | {"blockedBy": blocked_by(forecast)}


def _named(value: Any) -> Any:
    """Every key in camelCase; no key of a forecast is a user's own word."""
    if isinstance(value, dict):
        return {to_camel(key): _named(item) for key, item in value.items()}
    return [_named(item) for item in value] if isinstance(value, list | tuple) else value
