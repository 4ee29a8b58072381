"""`Container`: a module made of modules. Subclasses define how values flow between the children."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import indent
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .._checks import type_of, warn_caller
from .._names import did_you_mean
from .._types import Seed, Shape
from .blank_parameters import is_blank
from .module import Module
from .preprocessing import Preprocessing
from .registry import blank, parameter_shapes
from .task import OutputKind

if TYPE_CHECKING:
    from typing_extensions import Self


class Container(Module):
    """Owns its children, whose parameters are in its block; a child has only one container."""

    _children: dict[str, Module]

    def __init__(self, children: Mapping[str, Module]) -> None:
        _check_children(type(self).__name__, children)
        self.assemble(children)
        self._inherit()

    def children(self) -> dict[str, Module]:
        return dict(self._children)

    def __repr__(self) -> str:
        inside = "".join(indent(f"({name}): {child!r}\n", "  ") for name, child in self._children.items())
        return f"{type(self).__name__}(\n{inside})"

    def _child(self, name: str) -> Module:
        if name not in self._children:
            raise KeyError(
                f"{type(self).__name__}: has no layer {name!r}; it has {', '.join(self._children)}"
            )
        return self._children[name]

    def _readers(self) -> dict[str, Module]:
        """The children that read the container's input."""
        return self.children()

    def _deciding(self) -> Iterable[str]:
        """Names of the children that decide what the outputs are."""
        return self._children

    def _replace(self, name: str, module: Module) -> None:
        """Puts a module in the place of a child of that name, which leaves the network with its parameters.

        On any error nothing is changed.
        """
        old, who = self._child(name), type(self).__name__
        if module is old:
            return
        _check_child(who, name, module)
        if module.dtype != old.dtype:
            raise ValueError(
                f"{who}: layer {name!r} must be {old.dtype} like the network, got {module.dtype}"
            )
        decided = name in self._deciding()
        networks = list(self._with_containers())
        if module in networks:
            raise ValueError(f"{who}: layer {name!r} must not be the network that it is in")
        before, self._children = self._children, {**self._children, name: module}
        try:
            for network in networks:
                network.check_children()
        except BaseException:
            self._children = before
            raise
        if name in self._readers():
            module.set_preprocessing(self._preprocessing)
        if decided or name in self._deciding():
            self._forget_outputs(module)
        module.set_owner(self)
        old.release()
        self.repack()
        self.count_frozen_change()
        shape = networks[-1].input_shape
        if shape is not None and module.is_lazy():
            networks[-1].materialize(shape)

    def _with_containers(self) -> Iterator[Container]:
        """This container and those that it is part of, the whole network last."""
        found: Any = self
        while found is not None:
            yield found
            found = found.container()

    def check_children(self) -> None:
        """Checks that the children fit together."""
        if self._input_shape is not None:
            self._output_shape(self._input_shape)

    def _forget_outputs(self, module: Module) -> None:
        """Classes and task are those of a new module, also of containers whose outputs it decides."""
        self._classes = module.classes
        self._task = self._loss_task = None
        owner = self.container()
        if isinstance(owner, Container):
            (own,) = (name for name, child in owner.children().items() if child is self)
            if own in owner._deciding():  # noqa: SLF001
                owner._forget_outputs(module)  # noqa: SLF001

    def set_preprocessing(self, value: Preprocessing) -> None:
        super().set_preprocessing(value)
        for child in self._readers().values():
            child.set_preprocessing(value)

    def _inherit(self) -> None:
        """Inherits the preprocessing of the children that read the input; warns if any is not used."""
        unset, readers = Preprocessing(), self._readers()
        found = {
            name: child.preprocessing
            for name, child in self._children.items()
            if child.preprocessing != unset
        }
        settings = {name: value for name, value in found.items() if name in readers}
        cure = "set preprocessing of the whole"
        if len(set(settings.values())) == 1:
            self.set_preprocessing(next(iter(settings.values())))
        elif settings:
            warn_caller(
                f"{type(self).__name__}: layers {' and '.join(map(repr, settings))} read the same input, but "
                f"have different preprocessing; none is used, {cure}"
            )
        for name in found:
            if name not in readers:
                warn_caller(
                    f"{type(self).__name__}: layer {name!r} does not read the input, so that its "
                    f"{found[name]} is not used; {cure} if pixels are to be normalized"
                )

    def assemble(self, children: Mapping[str, Module]) -> None:
        self._children = dict(children)
        self._set_up()
        self._take_in(self._children)

    def named_shapes(self, prefix: str = "") -> list[tuple[str, Shape]]:
        return [
            pair
            for name, child in self._children.items()
            for pair in child.named_shapes(dotted(prefix, name))
        ]

    def buffer_names(self, prefix: str = "") -> list[str]:
        return [
            buffer
            for name, child in self._children.items()
            for buffer in child.buffer_names(dotted(prefix, name))
        ]

    def initialize_from(self, seed: np.random.SeedSequence) -> None:
        for position, child in enumerate(self._children.values()):
            # what seed.spawn() would give the first time, without counting up inside of `seed`
            key = (*seed.spawn_key, position)
            child.initialize_from(
                np.random.SeedSequence(seed.entropy, spawn_key=key, pool_size=seed.pool_size)
            )

    def blank_copy(self) -> Self:
        twin = type(self).__new__(type(self))
        twin.assemble({name: child.blank_copy() for name, child in self._children.items()})
        return twin


class Listed(Container):
    """A container of any number of children, indexed by position or name.

    Args:
        children: Modules, named "0", "1", …; or one dict of name to module.
        input_shape: Shape of one input. If given, all shapes are checked at construction.
        seed: Seed to initialize all parameters again; None keeps those of the children.
        named: Modules by name, instead of `children`.
    """

    #: Key of the children in `to_config`.
    _described_as: ClassVar[str]

    def __init__(
        self,
        *children: Module | Mapping[str, Module],
        input_shape: Sequence[int] | None = None,
        seed: Seed = None,
        **named: Module,
    ) -> None:
        _check_arguments(type(self).__name__, children, named, {"input_shape": input_shape, "seed": seed})
        super().__init__(_by_name(children) if children else named)
        if seed is not None and not is_blank():
            self.initialize(seed)
        self.input_shape = input_shape

    def __len__(self) -> int:
        return len(self._children)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._children.values())

    def __getitem__(self, key: int | str) -> Module:
        """The layer at a position, or with a name."""
        who = type(self).__name__
        if isinstance(key, str):
            return self._child(key)
        try:
            position = operator.index(key)
        except TypeError:
            raise TypeError(
                f"{who}: a layer is taken by its position or name, got {key!r}; for a part of the model "
                f"use {who}(*[layer.copy() for layer in list(model)[a:b]])"
            ) from None
        return list(self._children.values())[position]

    def __setitem__(self, key: int | str, module: Module) -> None:
        """Replace the layer at a position, or with a name: ``model["fc"] = nn.Linear(512, 10)``.

        The old layer leaves the network, with its parameters. All parameters move to a new block, so that a
        `Trainer` and an optimizer of the network must be made again. Preprocessing and frozen parameters of
        the other layers are kept; `classes` and `task` are forgotten if the layer decides what the outputs
        are.

        Raises:
            TypeError: Not a module.
            KeyError, IndexError: There is no such layer.
            ValueError: A module inside another container, of another dtype, or of a shape that does not fit;
                nothing is changed then.
        """
        child = self[key]
        (name,) = (name for name, other in self._children.items() if other is child)
        self._replace(name, module)

    def to_config(self) -> dict[str, Any]:
        children = {name: child.to_config() for name, child in self._children.items()}
        return {"type": type(self).__name__, self._described_as: children}

    @classmethod
    def _from_settings(cls, settings: Mapping[str, Any], depth: int) -> Module:
        return cls({name: blank(config, depth) for name, config in cls._configs(settings).items()})

    @classmethod
    def _shapes_of(cls, settings: Mapping[str, Any], prefix: str, depth: int) -> list[tuple[str, Shape]]:
        return [
            pair
            for name, config in cls._configs(settings).items()
            for pair in parameter_shapes(config, dotted(prefix, name), depth)
        ]

    @classmethod
    def _configs(cls, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        children = only_setting(cls.__name__, settings, cls._described_as)
        if not isinstance(children, Mapping):
            raise TypeError(
                f"{cls.__name__}: {cls._described_as} must be a dict of name to layer, "
                f"got {type(children).__name__}"
            )
        return children


def _by_name(children: tuple[Module | Mapping[str, Module], ...]) -> Mapping[str, Any]:
    """Modules given by position, or as one dict."""
    if len(children) == 1 and isinstance(children[0], Mapping):
        return children[0]
    return {str(position): child for position, child in enumerate(children)}


def _check_arguments(
    who: str, children: tuple[Any, ...], named: Mapping[str, Any], settings: Mapping[str, Any]
) -> None:
    """Refuses modules given in two ways, and keywords that are not layers."""
    for name, value in named.items():
        if not isinstance(value, Module | type):
            raise TypeError(
                f"{who}: the keyword {name!r} names a layer, which must be a module, got {type_of(value)}"
                f"{did_you_mean(name, settings)}"
            )
    for name, value in settings.items():
        if isinstance(value, Module):
            raise TypeError(
                f"{who}: the keyword {name!r} is a setting of {who}, no layer; name a layer so in a dict: "
                f"{who}({{{name!r}: ...}})"
            )
    if children and named:
        by = "in a dict" if isinstance(children[0], Mapping) else "by position"
        raise TypeError(
            f"{who}: layers are given {by} and by keyword ({', '.join(named)}); use one of these for all"
        )


def ending(layers: Iterable[Module]) -> OutputKind:
    """Output kind of a chain, given last layer first: that of the last layer that changes it."""
    return next((layer.output_kind for layer in layers if not layer.keeps_output_kind), "logits")


def dotted(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def only_setting(who: str, settings: Mapping[str, Any], name: str) -> Any:
    """The value of a container's only setting."""
    if set(settings) != {name}:
        raise ValueError(f"{who}: takes the setting {name!r}, got {', '.join(map(repr, settings)) or 'none'}")
    return settings[name]


def _check_children(who: str, children: Mapping[str, Module]) -> None:
    if not children:
        raise ValueError(f"{who}: needs at least one layer")
    seen: dict[int, str] = {}
    for name, child in children.items():
        _check_child(who, name, child)
        if id(child) in seen:
            raise ValueError(
                f"{who}: layer {name!r} is the same object as layer {seen[id(child)]!r}; "
                "build it twice, or use copy() for one with equal weights"
            )
        seen[id(child)] = name
    dtypes = {str(child.dtype) for child in children.values()}
    if len(dtypes) > 1:
        raise ValueError(f"{who}: all layers must have one dtype, got {' and '.join(sorted(dtypes))}")


def _check_child(who: str, name: object, child: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{who}: names of layers must be strings, got {type_of(name)} {name!r}")
    if not name or "." in name:
        raise ValueError(f"{who}: a layer's name must not be empty or hold a dot, got {name!r}")
    if isinstance(child, type):
        raise TypeError(f"{who}: layer {name!r} is the class {child.__name__}; write {child.__name__}(...)")
    if not isinstance(child, Module):
        container = "Branches" if who == "Branches" else "Sequential"
        cure = f"; unpack it: {container}(*layers)" if isinstance(child, list | tuple) else ""
        raise TypeError(f"{who}: layer {name!r} must be a module, got {type_of(child)}{cure}")
    if child.in_container():
        raise ValueError(
            f"{who}: layer {name!r} ({type(child).__name__}) is already part of another container; "
            "use copy() for an independent one"
        )
