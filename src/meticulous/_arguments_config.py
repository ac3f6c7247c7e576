"""Any configuration as a mapping, by its shape: no library is imported to read its objects."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import _json
from .errors import SettingError

__all__ = ["mapping_of"]

_METHODS = ("_asdict", "to_dict", "as_dict", "model_dump", "dict")
_NO_CONFIG = (str, bytes, bytearray, int, float, complex, set, frozenset, types.FunctionType)
_DECLARED = ("__dataclass_fields__", "__attrs_attrs__", "model_fields", "__fields__")


def mapping_of(config: Any) -> dict[str, Any]:
    """Give a configuration as a new dict, its values as they are.

    Args:
        config: None, a mapping (of OmegaConf and hydra, too: values that are missing or cannot be
            resolved keep their text), a namespace, a dataclass, attrs or pydantic object, a named
            tuple, a context of click or typer (with what its parents were given), the FLAGS of
            absl (without absl's own), pairs of name and value, an object that can turn itself
            into a dict (``to_dict``, ``as_dict``, ``dict``) or has ``keys``, and else the public
            attributes of an object, class or module.

    Returns:
        Names and values, in their order.

    Raises:
        SettingError: there are no names and values in it.
    """
    if config is None:
        return {}
    values = _read(config)
    return {
        name: _of_omegaconf(value) if _is_of(value, "omegaconf") else value
        for name, value in values.items()
    }


def _read(config: Any) -> dict[str, Any]:
    for reader in _READERS:
        values = reader(config)
        if values is not None:
            return values
    hint = "Pass a mapping, a namespace or a dataclass."
    if hasattr(config, "parse_args"):
        hint = "For a parser there is Experiment.from_parser(parser)."
    elif isinstance(config, type):
        hint = f"Make an object of it: Experiment({config.__name__}())."
    text = _json.text_of(config)
    raise SettingError(
        f"No args can be read from {text if len(text) <= 80 else text[:80] + '...'}.",
        hint,
        name="args",
        value=config,
    )


def _is_of(value: Any, library: str) -> bool:
    module = getattr(type(value), "__module__", None)
    return isinstance(module, str) and module.split(".", 1)[0] == library


def _from_omegaconf(config: Any) -> dict[str, Any] | None:
    if not _is_of(config, "omegaconf") or not isinstance(config, Mapping):
        return None
    return _of_omegaconf(config) or {}


def _of_omegaconf(node: Any) -> Any:
    """Resolve what can be resolved; the rest keeps its text, ``???`` or ``${...}``."""
    whole = sys.modules["omegaconf"].OmegaConf
    raw = whole.to_container(node, resolve=False)
    if isinstance(raw, dict):
        return {name: _resolved(node, name, raw[name]) for name in raw}
    if isinstance(raw, list):
        return [_resolved(node, index, value) for index, value in enumerate(raw)]
    return raw  # None, or the text of a node that is missing as a whole


def _resolved(node: Any, name: Any, raw: Any) -> Any:
    if not isinstance(raw, (str, dict, list)):
        return raw
    try:
        value = node[name]
    except Exception:  # whatever a resolver of the program raises
        return raw
    return _of_omegaconf(value) if _is_of(value, "omegaconf") else value


def _from_mapping(config: Any) -> dict[str, Any] | None:
    return _by_key(config.keys(), config) if isinstance(config, Mapping) else None


def _from_keys(config: Any) -> dict[str, Any] | None:
    if isinstance(config, type) or not hasattr(config, "__getitem__"):
        return None
    keys = getattr(config, "keys", None)
    return _by_key(keys(), config) if callable(keys) else None


def _by_key(keys: Iterable[Any], config: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key in keys:
        try:
            values[key] = config[key]
        except Exception as error:  # a required value that is not there yet, for instance
            values[key] = f"<not readable: {type(error).__name__}>"
    return values


def _from_fields(config: Any) -> dict[str, Any] | None:
    """Namespaces, and objects of dataclasses, attrs and pydantic."""
    kind = type(config)
    if hasattr(kind, "__dataclass_fields__"):
        names = [field.name for field in sys.modules["dataclasses"].fields(config)]
        return {name: getattr(config, name) for name in names if hasattr(config, name)}
    fields = _json.fields_of(config)
    if fields is None:
        return None
    extra = getattr(config, "__pydantic_extra__", None)
    if extra is None and hasattr(kind, "__fields__") and not hasattr(kind, "model_fields"):
        extra = {name: value for name, value in vars(config).items() if name not in fields}
    return {**fields, **(extra or {})}


def _from_click(config: Any) -> dict[str, Any] | None:
    if not isinstance(getattr(config, "params", None), dict):
        return None
    if not hasattr(config, "invoked_subcommand"):
        return None
    values: dict[str, Any] = {}
    while config is not None:
        values = {**config.params, **values}
        config = config.parent
    return values


def _from_absl(config: Any) -> dict[str, Any] | None:
    if not _is_of(config, "absl") or not hasattr(config, "flags_by_module_dict"):
        return None
    return {
        flag.name: flag.value
        for module, flags in config.flags_by_module_dict().items()
        if module.split(".", 1)[0] != "absl"
        for flag in flags
    }


def _from_methods(config: Any) -> dict[str, Any] | None:
    if isinstance(config, (type, types.ModuleType)):
        return None
    for name in _METHODS:
        method = getattr(config, name, None)
        if callable(method):
            try:
                values = method()
            except Exception:  # code of others: the next way may work
                continue
            if isinstance(values, Mapping):
                return dict(values)
    return None


def _from_pairs(config: Any) -> dict[str, Any] | None:
    if not isinstance(config, (list, tuple)):
        return None
    pairs = [item for item in config if isinstance(item, (list, tuple)) and len(item) == 2]
    if len(pairs) < len(config) or not all(isinstance(name, str) for name, _ in pairs):
        return None
    return {name: value for name, value in pairs}  # noqa: C416  (tells mypy that these are pairs)


def _from_attributes(config: Any) -> dict[str, Any] | None:
    """Public attributes of an object and its class, of a class, or of a module."""
    if isinstance(config, (*_NO_CONFIG, list, tuple)) or hasattr(config, "parse_args"):
        return None
    if isinstance(config, type):
        if any(hasattr(config, name) for name in _DECLARED):
            return None
        return _public(config, ())
    if isinstance(config, types.ModuleType):
        return _public(object, vars(config).items())
    if not hasattr(config, "__dict__") or type(config).__module__ == "builtins":
        return None
    return _public(type(config), vars(config).items())


def _public(kind: type, items: Iterable[tuple[str, Any]]) -> dict[str, Any] | None:
    found = [
        (name, value)
        for base in reversed(kind.__mro__)
        if base.__module__ != "builtins"
        for name, value in vars(base).items()
        if not hasattr(type(value), "__get__")  # neither methods nor properties
    ]
    values = {
        name: value
        for name, value in [*found, *items]
        if not name.startswith("_")
        and not isinstance(value, (type, types.ModuleType, types.FunctionType))
    }
    return values or None


_READERS: tuple[Callable[[Any], dict[str, Any] | None], ...] = (
    _from_omegaconf,
    _from_mapping,
    _from_fields,
    _from_click,
    _from_absl,
    _from_methods,
    _from_pairs,
    _from_keys,
    _from_attributes,
)
