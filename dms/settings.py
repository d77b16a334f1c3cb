"""How settings are declared and checked. What the settings are stands beside what uses them."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as _dataclass
from typing_extensions import dataclass_transform

_T = TypeVar("_T")
OWN_ESTIMATE = "our estimate"


def setting(
    default: Any, *, unit: str = "", source: str = OWN_ESTIMATE, text: str = "", **limits: Any
) -> Any:
    """Declare one setting: default, unit, limits (``ge``, ``gt``, ``le``, ``lt``) and source."""
    extra: dict[str, Any] = {"unit": unit, "source": source}
    return Field(default, description=text, json_schema_extra=extra, **limits)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def settings(cls: type[_T]) -> type[_T]:
    """Make ``cls`` a frozen dataclass that refuses unknown keys and values out of range."""
    config = ConfigDict(extra="forbid", allow_inf_nan=False, validate_default=True)
    made: Any = _dataclass(cls, frozen=True, slots=True, kw_only=True, config=config)
    return cast("type[_T]", made)
