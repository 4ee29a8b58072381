"""`Optimizer`: settings, groups and memory over one flat parameter block; a kind adds its arithmetic.

Neighboring parameters with equal settings are one part of the block, and a step is one call into the engine
for each part: one altogether without groups.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from .._checks import check_integer, ieee_arithmetic, refuse_masked, type_of
from .._names import did_you_mean, find
from .._types import FLOATS, Array, Shape
from .group import Group, listed
from .parts import Choice, Part, Window, choices, parts_of, windows_of
from .setting import Setting, checked_settings

_STATE = {"type", "settings", "groups", "steps", "window_steps", "memory"}


class Optimizer(ABC):
    """Settings, and what is remembered from step to step. One optimizer serves one model.

    A copy (`copy.deepcopy`, pickle) goes on with the copy of the model, bit for bit.
    """

    #: Learning rate, of all parameters but those whose group has its own.
    lr = Setting()

    #: Everything this kind may have to remember.
    _memory_names: ClassVar[tuple[str, ...]]

    def __init__(self, groups: Iterable[Group], **settings: Any) -> None:
        self.settings = self._checked(type(self).__name__, settings)
        self._groups = self._checked_groups(self.settings, groups)
        self._steps = 0
        self._params: Array | None = None
        self.memory: dict[str, Array] = {}
        self._frozen: frozenset[str] = frozenset()
        self._windows: list[Window] = []
        self._parts: list[Part] | None = None  # None: to be found again before the next step
        self._window_steps = [0]

    @property
    def steps(self) -> int:
        """Updates made so far."""
        return self._steps

    @property
    def groups(self) -> tuple[Group, ...]:
        """Groups of parameters with settings of their own."""
        return self._groups

    @property
    def frozen(self) -> frozenset[str]:
        """Names of parameters that a step leaves alone, as if they were not there: value and memory stay, and
        their count of steps stands still. `Trainer` sets it to what the model has frozen.
        """
        return self._frozen

    @frozen.setter
    def frozen(self, names: Iterable[str]) -> None:
        wanted = frozenset(names)
        if wanted == self._frozen:
            return
        if self._params is not None:
            self._check_frozen(wanted, self._windows)
        self._frozen = wanted
        self._loosen()

    @ieee_arithmetic
    def bind(
        self,
        params: Array,
        shapes: Sequence[tuple[str, Shape]] | None = None,
        buffers: Collection[str] = (),
    ) -> None:
        """Serve this parameter block from now on; `Trainer` and `fit` call it.

        Args:
            params: Flat block of all parameters.
            shapes: Name and shape of each, in the order they lie in the block; None for a block without
                names, which can have no groups.
            buffers: Names of those that are not learned, and which no step touches.

        Raises:
            TypeError: Not a float32 or float64 array.
            ValueError: Not flat; a group that matches nothing; or the optimizer serves another model already,
                or was loaded with the memory of one of another size.
        """
        who = type(self).__name__
        if self._params is params and (shapes is None or self._named(shapes)):
            return
        refuse_masked(who, "params", params)
        if not isinstance(params, np.ndarray) or params.dtype not in FLOATS:
            raise TypeError(f"{who}: params must be a float32 or float64 array, got {type_of(params)}")
        if params.ndim != 1 or not params.flags.c_contiguous or not params.flags.writeable:
            raise ValueError(f"{who}: params must be a flat, contiguous, writable array, got {params.shape}")
        if self._params is not None and self._params is not params:
            raise ValueError(
                f"{who}: already serves another model (or a dtype it had before); make a new optimizer"
            )
        windows = windows_of(who, params.size, shapes, buffers)
        if shapes is None and (self._groups or self._frozen):
            raise ValueError(
                f"{who}: groups need the parameters' names; use Trainer, or bind(params, shapes)"
            )
        self._check_frozen(self._frozen, windows)
        for group in self._groups:
            group.check_matches(who, _learned(windows))
        for name, value in self.memory.items():
            _check_size(who, name, value, params.size)
        self._gather()
        steps = _for_windows(who, self._window_steps, len(windows))
        self.memory = {k: v.astype(params.dtype, copy=False) for k, v in self.memory.items()}
        self._params, self._windows, self._window_steps, self._parts = params, windows, steps, None

    def step(self, params: Array, grads: Array) -> None:
        """Change `params` in place, downhill along `grads` (arrays of one shape and dtype).

        Raises:
            ValueError: `params` is not what the optimizer serves, or `grads` does not match it.
        """
        if params is not self._params:
            self.bind(params)
        refuse_masked(type(self).__name__, "grads", grads)
        if grads.shape != params.shape or grads.dtype != params.dtype:
            raise ValueError(
                f"{type(self).__name__}: grads must be {params.dtype} of shape {params.shape}, "
                f"got {grads.dtype} of shape {grads.shape}"
            )
        for part in self.parts():
            part.steps += self._counts(part.settings)
            self._update(part, grads[part.where])
        self._steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on later: type, settings, groups, number of steps (altogether, and of each
        parameter), copies of the memory.
        """
        if self._params is not None:
            self.parts()  # memory that a changed setting asks for
        self._gather()
        return {
            "type": type(self).__name__,
            "settings": dict(self.settings),
            "groups": [group.to_config() for group in self._groups],
            "steps": self._steps,
            "window_steps": list(self._window_steps),
            "memory": {name: value.copy() for name, value in self.memory.items()},
        }

    @ieee_arithmetic
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over settings, groups, steps and memory from `state_dict()` of an optimizer of the same type.

        Raises:
            ValueError: Of another type, incomplete, or of another size than the model served.
        """
        who = type(self).__name__
        if not isinstance(state, Mapping) or set(state) != _STATE:
            raise ValueError(f"{who}: state must be what state_dict() returned")
        if state["type"] != who:
            raise ValueError(f"{who}: the state is of {state['type']}")
        settings = self._checked(who, state["settings"])
        groups = self._checked_groups(settings, [Group.from_config(group) for group in state["groups"]])
        steps = check_integer(who, "steps", state["steps"], 0)
        window_steps = [check_integer(who, "window_steps", count, 0) for count in state["window_steps"]]
        for name, value in state["memory"].items():
            refuse_masked(who, f"memory[{name!r}]", value)
        memory = {name: np.array(value) for name, value in state["memory"].items()}
        needed = set(self._first_memory(settings))
        for group in groups:
            needed |= set(self._first_memory({**settings, **group.settings}))
        if not set(memory) <= set(self._memory_names) or (steps > 0 and not needed <= set(memory)):
            raise ValueError(f"{who}: the state must remember {sorted(needed)}, got {sorted(memory)}")
        if self._params is not None:
            for group in groups:
                group.check_matches(who, _learned(self._windows))
            window_steps = _for_windows(who, window_steps, len(self._windows))
            for name, value in memory.items():
                _check_size(who, name, value, self._params.size)
            memory = {k: v.astype(self._params.dtype, copy=False) for k, v in memory.items()}
        self.settings, self._groups, self._steps, self._parts = settings, groups, steps, None
        self._window_steps, self.memory = window_steps, memory

    def __getstate__(self) -> dict[str, Any]:
        """Of a copy, which serves no model yet: whichever takes it first, with its memory."""
        if self._params is not None:
            self.parts()
        self._gather()
        memory = {name: value.copy() for name, value in self.memory.items()}
        unbound: dict[str, Any] = {"_params": None, "_windows": [], "_parts": None}
        return {**self.__dict__, **unbound, "memory": memory, "_window_steps": list(self._window_steps)}

    def __repr__(self) -> str:
        parts = [f"{name}={value}" for name, value in self.settings.items()]
        parts += [f"groups={list(self._groups)}"] if self._groups else []
        return f"{type(self).__name__}({', '.join(parts)})"

    # ---------------------------------------------------------------- what a kind of optimizer defines

    @abstractmethod
    def _first_memory(self, settings: Mapping[str, Any]) -> Mapping[str, float]:
        """What must be remembered for each parameter with these settings, and the value it starts from."""

    @abstractmethod
    def _update(self, part: Part, grads: Array) -> None:
        """The step of one part; `part.steps` counts from 1."""

    def _counts(self, settings: Mapping[str, Any]) -> bool:
        """Whether a step with these settings adds to `part.steps`."""
        return True

    @classmethod
    def _together(cls, who: str, settings: dict[str, Any]) -> dict[str, Any]:
        """The settings, if they go together."""
        return settings

    # ---------------------------------------------------------------- what a schedule sets

    def learning_rates(self) -> list[float]:
        """The optimizer's learning rate, and those groups have of their own."""
        return [self.settings["lr"], *(g.settings["lr"] for g in self._groups if "lr" in g.settings)]

    def set_learning_rates(self, rates: Sequence[float]) -> None:
        """As `learning_rates` gave them; finite and not negative."""
        if list(rates) == self.learning_rates():
            return
        own, *others = rates
        found = iter(others)
        self.settings["lr"] = own
        self._groups = tuple(
            group.with_settings({**group.settings, "lr": next(found)}) if "lr" in group.settings else group
            for group in self._groups
        )
        for part in self._parts or ():
            part.settings["lr"] = rates[part.rate]

    # ---------------------------------------------------------------- inside

    @classmethod
    def _checked(cls, who: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """All settings, in the order of the constructor, as the engine takes them."""
        return cls._together(who, checked_settings(who, cls, settings))

    @classmethod
    def _checked_groups(cls, settings: Mapping[str, Any], groups: Iterable[Group]) -> tuple[Group, ...]:
        who = cls.__name__
        if isinstance(groups, Group) or not isinstance(groups, Iterable):
            raise TypeError(f"{who}: groups must be a list of optim.Group, got {type_of(groups)}")
        checked = []
        for group in groups:
            if not isinstance(group, Group):
                raise TypeError(f"{who}: groups must hold optim.Group, got {type_of(group)}")
            known = cls._checked(f"{who}: group {group.label()}", {**settings, **group.settings})
            checked.append(group.with_settings({name: known[name] for name in group.settings}))
        return tuple(checked)

    def change(self, changes: Mapping[str, Any]) -> None:
        settings = self._checked(type(self).__name__, {**self.settings, **changes})
        self._checked_groups(settings, self._groups)
        self.settings = settings
        self._loosen()

    def parts(self) -> list[Part]:
        """The parts, found again if anything has changed."""
        if self._parts is None:
            assert self._params is not None
            chosen = choices(self._windows, self.settings, self._groups)
            self._complete_memory(chosen)
            self._parts = parts_of(
                self._windows, chosen, self._window_steps, self._frozen, self._params, self.memory
            )
        return self._parts

    def _complete_memory(self, chosen: Sequence[Choice]) -> None:
        assert self._params is not None
        missing: set[str] = set()
        for window, choice in zip(self._windows, chosen, strict=True):
            for name, first in self._first_memory(choice.settings).items():
                if name not in self.memory:
                    self.memory[name] = np.zeros_like(self._params)
                    missing.add(name)
                if name in missing:
                    self.memory[name][window.where] = first

    def _gather(self) -> None:
        """Brings the counts of steps back from the parts to the parameters."""
        for part in self._parts or ():
            self._window_steps[part.first : part.last] = [part.steps] * (part.last - part.first)

    def _loosen(self) -> None:
        self._gather()
        self._parts = None

    def active_gradients(self, grads: Array) -> list[Array]:
        """The stretches of the gradient block that a step goes along: all but what is frozen."""
        stretches: list[slice] = []
        for part in self.parts():
            if stretches and stretches[-1].stop == part.where.start:
                stretches[-1] = slice(stretches[-1].start, part.where.stop)
            else:
                stretches.append(part.where)
        return [grads[where] for where in stretches]

    def _named(self, shapes: Sequence[tuple[str, Shape]]) -> bool:
        return [(w.name, w.shape) for w in self._windows] == [(name, tuple(s)) for name, s in shapes]

    def _check_frozen(self, names: Iterable[str], windows: Sequence[Window]) -> None:
        known = _learned(windows)
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise ValueError(
                f"{type(self).__name__}: frozen names {listed(unknown)}, which is no parameter; "
                f"there are {listed(known)}"
            )


def check_optimizer(who: str, value: object) -> None:
    """Refuses what is no optimizer; of a name or a class, says what to write."""
    if isinstance(value, Optimizer):
        return
    wanted = f"{who}: optimizer must be an Optimizer, got"
    if isinstance(value, type) and issubclass(value, Optimizer):
        raise TypeError(f"{wanted} the class {value.__name__}; write {value.__name__}(...)")
    if isinstance(value, str):
        kinds = _kinds(Optimizer)
        name = find(value, kinds)
        cure = did_you_mean(value, kinds) if name is None else f"; use optim.{name}(...)"
        raise TypeError(f"{wanted} {value!r}{cure}")
    raise TypeError(f"{wanted} {type_of(value)}")


def _kinds(base: type) -> list[str]:
    """Names of all optimizers there are."""
    kinds: list[type] = base.__subclasses__()
    return [name for kind in kinds for name in (kind.__name__, *_kinds(kind))]


def _learned(windows: Iterable[Window]) -> list[str]:
    return [window.name for window in windows if window.learned]


def _for_windows(who: str, steps: list[int], count: int) -> list[int]:
    """Steps of each parameter; one number, of a block without names, stands for all."""
    if len(steps) == 1:
        return steps * count
    if len(steps) != count:
        raise ValueError(f"{who}: the state is of {len(steps)} parameters, but the model has {count}")
    return steps


def _check_size(who: str, name: str, value: Array, size: int) -> None:
    if value.shape != (size,):
        raise ValueError(f"{who}: {name} is of shape {value.shape}, but the model has {size} parameters")
