"""What belongs to one server: the network that reads drawings, the drawings, and a training."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from .._types import Array
from ..datasets import ImageDataset
from ..explanation import explain
from ..nn import Module
from ..vision.normalize import Style
from .answer import answer, class_names, prepared
from .learning import Learning
from .lessons import lessons_for


class Course(NamedTuple):
    """A network that can be trained on the page.

    Attributes:
        title: What the page calls it.
        load: Reads the training and the test images.
        build: Makes a network for the training images with new initial weights, from a seed.
        style: How drawings are prepared for it.
    """

    title: str
    load: Callable[[], tuple[ImageDataset, ImageDataset]]
    build: Callable[[ImageDataset, int], Module]
    style: Style


class Session:
    """The state of the page; tabs share it. All methods may be called by several threads.

    Args:
        model: Reads drawings.
        name: Of the model.
        style: How drawings are prepared for it.
        courses: Networks that can be trained, by name.
    """

    def __init__(self, model: Module, name: str, style: Style, courses: Mapping[str, Course]) -> None:
        self._lock = threading.RLock()
        self._courses = dict(courses)
        self._learning: Learning | None = None
        self._course = ""
        self._use(model, name, style, None)

    def _use(self, model: Module, name: str, style: Style, train: ImageDataset | None) -> None:
        self.model, self.name, self.style, self._train = model, name, style, train
        self.lessons = lessons_for(model)
        self._pixels: Array | None = None

    def close(self) -> None:
        """Ends a training."""
        with self._lock:
            if self._learning is not None:
                self._learning.close()
            self._learning = None

    # ---------------------------------------------------------------- drawings

    def about(self) -> dict[str, Any]:
        """Name and classes of the network, and what can be trained."""
        with self._lock:
            return {
                "model": self.name,
                "parameters": self.model.num_parameters(),
                "classes": class_names(self.model),
                "courses": [[name, course.title] for name, course in self._courses.items()],
                "lessons": self.lessons.counts(),
            }

    def classify(self, image: Any) -> dict[str, Any]:
        """The answer to an image: an array of a drawing, or the bytes of a file.

        Raises:
            DataError, ValueError: As `answer.prepared`.
        """
        with self._lock:
            pixels, warning = prepared(image, self.model, self.style)
            self._pixels = pixels
            return {**answer(self.model, pixels), "warning": warning}

    def explanation(self) -> str:
        """The explain page of the image last classified.

        Raises:
            ValueError: There is none.
        """
        with self._lock:
            return explain(self.model, self._last(), backward=True, title=f"{self.name}, your drawing").html()

    def teach(self, label: str) -> dict[str, Any]:
        """Adds the image last classified to the drawings with labels.

        Raises:
            ValueError: There is none; an unknown class.
        """
        with self._lock:
            self.lessons.add(self._last(), label)
            return {"lessons": self.lessons.counts()}

    def tune(self) -> dict[str, Any]:
        """Trains on the drawings for a second; the answer to the last image before and after.

        Raises:
            ValueError: No drawing has a label.
        """
        with self._lock:
            before = answer(self.model, self._last())["top"]
            steps = self.lessons.tune(self.model, self._train)
            return {"steps": steps, "before": before, **answer(self.model, self._last()), "warning": ""}

    def drawings(self) -> bytes:
        """The drawings as an .npz file."""
        with self._lock:
            return self.lessons.npz()

    def model_file(self) -> bytes:
        """The network as a model file."""
        with self._lock, tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            self.model.save(path)
            return path.read_bytes()

    def _last(self) -> Array:
        if self._pixels is None:
            raise ValueError("draw something first")
        return self._pixels

    # ---------------------------------------------------------------- learning

    def learning(self, since: int) -> dict[str, Any]:
        """The state of the training; {"mode": "none"} if there is none."""
        learning = self._learning
        return {"mode": "none"} if learning is None else {"course": self._course, **learning.state(since)}

    def command(self, action: str, value: Any = None) -> dict[str, Any]:
        """Start a training by name; "run", "pause", "step" or "reset" it; set its "lr"; "choose" a test
        image; "use" its network for drawings.

        Raises:
            ValueError: An unknown action or course, or no training.
            DataError, OSError: The images cannot be read.
        """
        if action == "start":
            return self._start(value)
        with self._lock:
            learning = self._learning
            if learning is None:
                raise ValueError("no training was started")
            if action == "use":
                course = self._courses[self._course]
                self._use(
                    learning.copy_of_model(), f"{course.title}, trained here", course.style, learning.train
                )
                return self.about()
        simple = {
            "run": learning.run,
            "pause": learning.pause,
            "step": learning.step,
            "reset": learning.reset,
        }
        if action in simple:
            simple[action]()
        elif action == "lr":
            learning.set_lr(value)
        elif action == "choose" and isinstance(value, int):
            learning.choose(value)
        else:
            raise ValueError(f"unknown action {action!r}")
        return {}

    def _start(self, name: Any) -> dict[str, Any]:
        if name not in self._courses:
            raise ValueError(f"there is no training {name!r}; there are {', '.join(self._courses)}")
        course = self._courses[name]
        train, test = course.load()
        with self._lock:
            self.close()
            self._learning, self._course = Learning(train, test, partial(course.build, train)), name
            self._learning.run()
        return {}
