"""Ctrl-C: a real SIGINT ends `fit` within a second, after a whole step, with the best weights."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from cnnfast import nn
from cnnfast.training.fit import fit
from cnnfast.training.history import EpochRecord
from cnnfast.training.interrupt import Interrupt

PROGRAM = """
import json, sys, time
import numpy as np
from cnnfast import models, optim
from cnnfast.datasets import glyphs
from cnnfast.training.fit import fit

model, best = models.hello_dl_letters(seed=0), []
data = glyphs(1024, seed=0)

def told(record):
    best.append((record.val_accuracy, -record.val_loss, model.flat_parameters.copy()))
    print("epoch", record.epoch, flush=True)

optimizer = optim.Adam()
validation = 0.1 if sys.argv[1] == "validation" else None
try:
    history = fit(model, data, 1000, optimizer, 64, validation=validation, progress=False, on_epoch=told
                  if validation else lambda record: print("epoch", record.epoch, flush=True))
except KeyboardInterrupt:
    print("raised", flush=True)
    raise SystemExit(3)
top = max(best, key=lambda entry: entry[:2]) if best else None
print(json.dumps({
    "stopped": history.stopped,
    "epochs": len(history.epochs),
    "best_epoch": history.best_epoch,
    "is_best": top is not None and bool((model.flat_parameters == top[2]).all()),
    "finite": bool(np.isfinite(model.flat_parameters).all()),
    "whole_steps": bool(np.isfinite(optimizer.state_dict()["memory"]["exp_avg"]).all()),
    "usable": model.predict(data.images[:3]).tolist() is not None,
}), flush=True)
"""

posix = pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process on Windows")


def run_and_interrupt(mode: str) -> tuple[int, dict[str, object], float]:
    """(exit code, report, seconds from the signal to the end). The signal comes in the middle of an epoch."""
    import cnnfast

    root = str(Path(cnnfast.__file__).parents[1])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-c", PROGRAM, mode]
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        for _ in range(2):
            assert child.stdout.readline().startswith("epoch ")
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        began = time.perf_counter()
        lines = child.stdout.read().splitlines()
        code = child.wait(timeout=60)
        return code, json.loads(lines[-1]), time.perf_counter() - began


@posix
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["validation", "plain"])
def test_ctrl_c_ends_the_training_cleanly(mode):
    for _attempt in range(3):  # the machine may be busy with other things
        code, report, seconds = run_and_interrupt(mode)
        assert code == 0
        assert report["stopped"] == "interrupted"
        assert report["epochs"] >= 2
        assert report["finite"]
        assert report["whole_steps"]
        assert report["usable"]
        assert report["is_best"] == (mode == "validation")
        assert (report["best_epoch"] in range(1, report["epochs"] + 1)) == (mode == "validation")
        if seconds < 1.0:
            return
    pytest.fail(f"it took {seconds:.2f} s")


def test_interrupted_in_the_middle_of_an_epoch_the_epoch_is_not_counted():
    x, y = np.zeros((64, 4), np.float32), np.arange(64) % 2
    model = nn.Linear(4, 2, seed=0)

    def stop(record: EpochRecord) -> None:
        if record.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    history = fit(model, (x, y), 10, validation=(x, y), progress=False, on_epoch=stop)
    assert (history.stopped, len(history.epochs)) == ("interrupted", 2)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_after_the_last_step_is_not_forgotten():
    x, y = np.zeros((64, 4), np.float32), np.arange(64) % 2
    history = fit(
        nn.Linear(4, 2), (x, y), 1, progress=False, on_epoch=lambda record: signal.raise_signal(signal.SIGINT)
    )
    assert (history.stopped, len(history.epochs)) == ("interrupted", 1)


def test_interrupted_in_validation_the_epoch_is_not_counted(monkeypatch):
    x, y = np.zeros((3000, 4), np.float32), np.arange(3000) % 2
    calls = []

    call = nn.Module.__call__

    def interrupted(model: nn.Module, part: np.ndarray) -> np.ndarray:
        calls.append(len(part))
        if len(calls) == 4:  # the first batch of the second epoch's validation
            signal.raise_signal(signal.SIGINT)
        return call(model, part)

    monkeypatch.setattr(nn.Module, "__call__", interrupted)
    history = fit(nn.Linear(4, 2), (x[:64], y[:64]), 10, validation=(x, y), progress=False)
    assert (history.stopped, len(history.epochs), history.best_epoch) == ("interrupted", 1, 1)
    assert calls == [1024, 1024, 952, 1024]


def test_a_programs_own_handler_is_left_alone():
    calls = []

    def own(number: int, frame: object) -> None:
        calls.append(number)
        raise KeyboardInterrupt

    x, y = np.zeros((8, 4), np.float32), np.arange(8) % 2
    before = signal.signal(signal.SIGINT, own)
    try:
        history = fit(
            nn.Linear(4, 2),
            (x, y),
            10,
            progress=False,
            on_epoch=lambda record: signal.raise_signal(signal.SIGINT),
        )
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)
    assert calls == [signal.SIGINT]
    assert (history.stopped, len(history.epochs)) == ("interrupted", 1)


def test_a_program_that_ignores_ctrl_c_goes_on_ignoring_it():
    x, y = np.zeros((8, 4), np.float32), np.arange(8) % 2
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        history = fit(
            nn.Linear(4, 2),
            (x, y),
            3,
            progress=False,
            on_epoch=lambda record: signal.raise_signal(signal.SIGINT),
        )
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert (history.stopped, len(history.epochs)) == ("finished", 3)


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_other_signals_end_it_in_a_program_that_asks_for_that(name):
    number = getattr(signal, name)
    x, y = np.zeros((8, 4), np.float32), np.arange(8) % 2
    before = signal.signal(number, signal.default_int_handler)
    try:
        history = fit(
            nn.Linear(4, 2), (x, y), 10, progress=False, on_epoch=lambda record: signal.raise_signal(number)
        )
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert (history.stopped, len(history.epochs)) == ("interrupted", 1)


@posix
def test_a_closed_terminal_may_say_so_twice():
    before = signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        with Interrupt() as interrupt:
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGHUP)
        assert interrupt.requested
    finally:
        signal.signal(signal.SIGHUP, before)


def test_one_within_another_asks_both():
    with Interrupt() as outer:
        with Interrupt() as inner:
            signal.raise_signal(signal.SIGINT)
            assert (outer.requested, inner.requested) == (True, True)
        with Interrupt() as later:
            assert later.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_between_two_interrupts_ends_what_begins_after_it():
    """As when a command has taken the signal over, and `fit` has not begun."""
    x, y = np.zeros((8, 4), np.float32), np.arange(8) % 2
    with Interrupt():
        signal.raise_signal(signal.SIGINT)
        history = fit(nn.Linear(4, 2), (x, y), epochs=3, progress=False)
    assert (history.stopped, history.epochs) == ("interrupted", [])


def test_a_second_ctrl_c_is_not_swallowed():
    with Interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_fit_works_in_a_thread():
    x, y = np.zeros((8, 4), np.float32), np.arange(8) % 2
    histories = []
    thread = threading.Thread(
        target=lambda: histories.append(fit(nn.Linear(4, 2), (x, y), 2, progress=False))
    )
    thread.start()
    thread.join()
    assert histories[0].stopped == "finished"
