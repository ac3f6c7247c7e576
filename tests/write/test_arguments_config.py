"""Any configuration is read by its shape, without importing the library that it is of."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import subprocess
import sys
import types
import typing

import pytest

from meticulous import _json
from meticulous._arguments import mapping_of
from meticulous.errors import SettingError


@dataclasses.dataclass
class Optimizer:
    name: str = "adam"
    betas: tuple[float, float] = (0.9, 0.99)


@dataclasses.dataclass
class Config:
    kind: typing.ClassVar[str] = "not a field"
    lr: float = 0.1
    optimizer: Optimizer = dataclasses.field(default_factory=Optimizer)
    late: int = dataclasses.field(init=False)


class Classic:
    """Class attributes as defaults, as many programs have them."""

    lr = 0.1
    layers = (3, 4)
    _private = 1

    def __init__(self, **values):
        vars(self).update(values)

    def method(self):
        """No value."""

    @property
    def derived(self):
        return self.lr * 2


class Deeper(Classic):
    layers = (5,)
    seed = 0


class WithKeys:
    def keys(self):
        return ["a", "b"]

    def __getitem__(self, name):
        if name == "b":
            raise LookupError("not yet")
        return name * 2


class WithToDict:
    def dict(self, needed):
        raise AssertionError

    def to_dict(self):
        return {"b": 1, "a": 2}


Pair = collections.namedtuple("Pair", ["x", "y"])


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"b": 1, "a": {"c": 2}}, {"b": 1, "a": {"c": 2}}),
        (types.MappingProxyType({"b": 1}), {"b": 1}),
        (collections.ChainMap({"a": 1}, {"b": 2}), {"b": 2, "a": 1}),
        (argparse.Namespace(lr=1, name="x"), {"lr": 1, "name": "x"}),
        (types.SimpleNamespace(lr=1), {"lr": 1}),
        (Config(), {"lr": 0.1, "optimizer": Optimizer()}),
        (Pair((1, 2), (3, 4)), {"x": (1, 2), "y": (3, 4)}),
        ([("b", 1), ("a", 2)], {"b": 1, "a": 2}),
        (WithToDict(), {"b": 1, "a": 2}),
        (WithKeys(), {"a": "aa", "b": "<not readable: LookupError>"}),
        (Classic(lr=2, own=3), {"lr": 2, "layers": (3, 4), "own": 3}),
        (Deeper(), {"lr": 0.1, "layers": (5,), "seed": 0}),
        (Deeper, {"lr": 0.1, "layers": (5,), "seed": 0}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_shapes_of_the_standard_library_are_read_in_their_order(config, expected):
    values = mapping_of(config)
    assert values == expected
    assert list(values) == list(expected)
    assert type(values) is dict


def test_values_are_not_copied_and_the_config_is_not_changed():
    big = [1, 2, 3]
    config = {"big": big}
    values = mapping_of(config)
    values["more"] = 1
    assert values["big"] is big
    assert config == {"big": big}
    namespace = argparse.Namespace(lr=1)
    mapping_of(namespace)["lr"] = 2
    assert namespace.lr == 1


def test_a_module_is_a_configuration():
    module = types.ModuleType("settings")
    exec(
        "import os\nfrom pathlib import Path\nlr = 0.1\nNAMES = ['a']\n_x = 1\ndef f(): ...",
        vars(module),
    )
    assert mapping_of(module) == {"lr": 0.1, "NAMES": ["a"]}


@pytest.mark.parametrize(
    "config",
    [
        "lr=1",
        b"x",
        3,
        0.5,
        {1, 2},
        [1, 2],
        [("a", 1, 2)],
        len,
        lambda: None,
        object(),
        argparse.ArgumentParser(),
        Config,
        range(3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_holds_no_args_is_refused_in_one_clear_line(config):
    with pytest.raises(SettingError) as raised:
        mapping_of(config)
    text = str(raised.value)
    assert text.startswith("No args can be read from ")
    assert "\n" not in text
    assert len(text) < 200
    assert text.isascii()
    assert raised.value.value is config
    if isinstance(config, argparse.ArgumentParser):
        assert "from_parser" in text
    if config is Config:
        assert "Experiment(Config())" in text


def test_attrs_with_slots_and_private_names():
    attrs = pytest.importorskip("attrs")

    @attrs.define
    class Model:
        width: int = 3
        _depth: int = 2
        names: list[str] = attrs.field(factory=list)

    assert mapping_of(Model()) == {"width": 3, "_depth": 2, "names": []}
    with pytest.raises(SettingError, match=r"Experiment\(Model\(\)\)"):
        mapping_of(Model)


def test_pydantic_with_nested_models_extra_names_and_secrets():
    pydantic = pytest.importorskip("pydantic")

    class Inner(pydantic.BaseModel):
        size: int = 3

    class Model(pydantic.BaseModel, extra="allow"):
        lr: float = 0.1
        inner: Inner = Inner()
        key: pydantic.SecretStr = pydantic.SecretStr("hidden")

        def __iter__(self):
            raise AssertionError("its own iteration is not asked for")

    values = mapping_of(Model(more=1))
    assert list(values) == ["lr", "inner", "key", "more"]
    assert values["inner"].size == 3
    assert "hidden" not in str(_json.plain(values))
    with pytest.raises(SettingError):
        mapping_of(Model)


def test_pydantic_of_version_1():
    v1 = pytest.importorskip("pydantic.v1")

    class Model(v1.BaseModel):
        lr: float = 0.1

        class Config:
            extra = "allow"

    assert mapping_of(Model(more=1)) == {"lr": 0.1, "more": 1}


def test_omegaconf_with_missing_values_and_failing_interpolations():
    OmegaConf = pytest.importorskip("omegaconf").OmegaConf

    text = {
        "lr": 0.1,
        "double": "${lr}",
        "needed": "???",
        "failing": "${nothing}",
        "model": {"width": "${lr}", "needed": "???", "of": [1, "${lr}", "${nothing}"]},
        "whole": "${model}",
        "none": None,
    }
    config = OmegaConf.create(text)
    model = {"width": 0.1, "needed": "???", "of": [1, 0.1, "${nothing}"]}
    expected = {
        "lr": 0.1,
        "double": 0.1,
        "needed": "???",
        "failing": "${nothing}",
        "model": model,
        "whole": model,
        "none": None,
    }
    values = mapping_of(config)
    assert values == expected
    assert type(values["model"]) is dict
    assert type(values["model"]["of"]) is list
    assert mapping_of({"cfg": config, "seed": 1}) == {"cfg": expected, "seed": 1}
    assert mapping_of(types.SimpleNamespace(of=config.model.of)) == {"of": [1, 0.1, "${nothing}"]}
    assert mapping_of(OmegaConf.structured(Optimizer)) == {"name": "adam", "betas": [0.9, 0.99]}
    assert mapping_of(OmegaConf.create(None)) == {}
    assert OmegaConf.to_container(config) == text
    with pytest.raises(SettingError):
        mapping_of(OmegaConf.create([1]))


def test_ml_collections_with_references_and_required_values():
    config_dict = pytest.importorskip("ml_collections.config_dict")

    config = config_dict.ConfigDict({"lr": 0.1, "model": {"width": 3}})
    config.double = config.get_ref("lr") * 2
    assert mapping_of(config) == {"lr": 0.1, "model": {"width": 3}, "double": 0.2}
    assert mapping_of(config_dict.FrozenConfigDict(config))["lr"] == 0.1
    config.needed = config_dict.required_placeholder(int)
    values = mapping_of(config)
    assert values["lr"] == 0.1
    assert values["needed"] == "<not readable: RequiredValueError>"


def test_click_contexts_with_what_their_parents_were_given():
    click = pytest.importorskip("click")
    seen = []

    @click.group()
    @click.option("--seed", default=0)
    def main(seed):
        pass

    @main.command()
    @click.option("--lr", default=0.1)
    @click.pass_context
    def train(context, lr):
        seen.append(mapping_of(context))

    main(["--seed", "3", "train", "--lr", "2"], standalone_mode=False)
    assert seen == [{"seed": 3, "lr": 2.0}]


def test_absl_flags_without_those_of_absl():
    flags = pytest.importorskip("absl.flags")

    values = flags.FlagValues()
    flags.DEFINE_float("lr", 0.1, "rate", flag_values=values)
    flags.DEFINE_list("names", ["a"], "names", flag_values=values)
    values(["train.py", "--lr=2"])
    assert mapping_of(values) == {"lr": 2.0, "names": ["a"]}
    flags.FLAGS(["train.py"])
    with_own = mapping_of(flags.FLAGS)
    assert not {"verbosity", "logtostderr", "helpfull", "flagfile"} & set(with_own)


def test_jsonargparse_namespaces():
    jsonargparse = pytest.importorskip("jsonargparse")
    parser = jsonargparse.ArgumentParser()
    parser.add_class_arguments(Optimizer, "optimizer")
    parser.add_argument("--lr", type=float, default=0.1)
    values = _json.plain(mapping_of(parser.parse_args(["--optimizer.name=sgd"])))
    assert values == {"optimizer": {"name": "sgd", "betas": [0.9, 0.99]}, "lr": 0.1}


def test_nothing_is_imported_to_read_a_config(clean_environment):
    """Not even argparse: only what the interpreter and these modules need."""
    code = (
        "import sys; from meticulous._arguments import mapping_of; before = set(sys.modules);"
        "mapping_of({'a': 1}); mapping_of([('a', 1)]); print(*(set(sys.modules) - before));"
        "print(*{'argparse', 'dataclasses', 'inspect', 'pathlib', 'logging', 'typing_extensions'}"
        " & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, check=True, text=True
    )
    assert done.stdout.split() == []
