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
from ..vision import InkColor
from ..vision.normalize import Style
from .answer import answer, check_model, class_names, prepared
from .learning import Learning
from .lessons import lessons_for

#: Drawings that are kept for lessons and explanations.
KEPT = 100


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
        courses: Networks that can be trained, by name, which is that of their data.
        data: Name of the data the model was trained on, if it is known. If a course has them, the model
            trains on them beside the drawings, so that it does not forget them.

    Raises:
        ValueError: A network that does not classify images.
    """

    def __init__(
        self, model: Module, name: str, style: Style, courses: Mapping[str, Course], data: str | None = None
    ) -> None:
        check_model(model)
        self._lock = threading.RLock()
        self._courses = dict(courses)
        self._learning: Learning | None = None
        self._course = ""
        self._images: dict[str, tuple[ImageDataset, ImageDataset]] = {}
        self._use(model, name, style, data)

    def _use(self, model: Module, name: str, style: Style, data: str | None) -> None:
        self.model, self.name, self.style, self._data = model, name, style, data
        self._first = {key: value.copy() for key, value in model.state_dict().items()}
        self.lessons = lessons_for(model)
        self._drawings: dict[int, Array] = {}
        self._count = 0

    def _load(self, course: str) -> tuple[ImageDataset, ImageDataset]:
        """The images of a course, read once."""
        if course not in self._images:
            self._images[course] = self._courses[course].load()
        return self._images[course]

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

    def classify(self, image: Any, ink: InkColor = "auto") -> dict[str, Any]:
        """The answer to an image, and the number under which it is kept for the other methods.

        Args:
            image: An array of a drawing, or the bytes of a file.
            ink: As of `vision.to_model_input`.

        Raises:
            DataError: Not an image, or a blank one.
        """
        with self._lock:
            pixels, warning = prepared(image, self.model, self.style, ink)
            self._count += 1
            self._drawings[self._count] = pixels
            self._drawings.pop(self._count - KEPT, None)
            return {**answer(self.model, pixels), "warning": warning, "drawing": self._count}

    def explanation(self, drawing: int) -> str:
        """The explain page of a drawing.

        Raises:
            ValueError: It is not kept (any more).
        """
        with self._lock:
            pixels = self._drawing(drawing)
            return explain(self.model, pixels, backward=True, title=f"{self.name}, your drawing").html()

    def teach(self, drawing: int, label: str) -> dict[str, Any]:
        """Adds a drawing with its label to the lessons.

        Raises:
            ValueError: It is not kept (any more); an unknown class.
        """
        with self._lock:
            self.lessons.add(self._drawing(drawing), label)
            return {"lessons": self.lessons.counts()}

    def tune(self, drawing: int) -> dict[str, Any]:
        """Trains on the lessons for a second; the answer to a drawing before and after.

        Raises:
            ValueError: The drawing is not kept (any more); there are no lessons.
        """
        with self._lock:
            pixels = self._drawing(drawing)
            before = answer(self.model, pixels)["top"]
            train = self._load(self._data)[0] if self._data in self._courses else None
            if train is not None and train.classes != self.lessons.classes:
                train = None
            steps = self.lessons.tune(self.model, train)
            after = answer(self.model, pixels)
            return {"steps": steps, "before": before, **after, "warning": "", "drawing": drawing}

    def restore(self) -> dict[str, Any]:
        """The network as it was before the lessons, and no lessons."""
        with self._lock:
            self.model.load_state_dict(self._first)
            self.lessons = lessons_for(self.model)
            return {"lessons": {}}

    def drawings(self) -> bytes:
        """The lessons as an .npz file."""
        with self._lock:
            return self.lessons.npz()

    def model_file(self) -> bytes:
        """The network as a model file, with what `predict` needs to prepare images for it."""
        with self._lock, tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            self.model.save(path, training={"data": self._data} if self._data is not None else None)
            return path.read_bytes()

    def _drawing(self, number: int) -> Array:
        if number not in self._drawings:
            raise ValueError("draw something first: this drawing is not kept")
        return self._drawings[number]

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
                    learning.copy_of_model(), f"{course.title}, trained here", course.style, self._course
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
        train, test = self._load(name)
        with self._lock:
            self.close()
            self._learning, self._course = Learning(train, test, partial(course.build, train)), name
            self._learning.run()
        return {}
