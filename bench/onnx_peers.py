"""ONNX Runtime and OpenVINO as peers: inference only, both on the ONNX model of `onnx_graph`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from cnnfast._types import Array, Labels
from cnnfast.benchmark.networks import Call
from cnnfast.nn import Module

from bench.onnx_graph import INPUT, OUTPUT, onnx_model


@dataclass(frozen=True)
class InferenceOnly:
    name: str
    has_float64: bool = False

    def training(self, model: Module, x: Array, target: Labels, threads: int) -> None:
        return None


@dataclass(frozen=True)
class OnnxRuntime(InferenceOnly):
    """All graph optimizations, sequential execution, `threads` threads inside an operator."""

    name: str = "onnxruntime"

    def inference(self, model: Module, x: Array, threads: int) -> Call:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            onnx_model(model, len(x)), options, providers=["CPUExecutionProvider"]
        )
        outputs, feed = [OUTPUT], {INPUT: x}
        return lambda: session.run(outputs, feed)[0]


@dataclass(frozen=True)
class OpenVino(InferenceOnly):
    """Tuned for latency, in float32 (its default may be bfloat16), without copies of input and output."""

    name: str = "openvino"

    def inference(self, model: Module, x: Array, threads: int) -> Call:
        # importing OpenVINO would report to its makers, from a forked process; without this it does not
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import openvino

        core = openvino.Core()
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        compiled = core.compile_model(core.read_model(onnx_model(model, len(x))), "CPU", settings)
        request, output = compiled.create_infer_request(), compiled.output(0)

        def infer() -> Any:
            return request.infer([x], share_inputs=True, share_outputs=True)[output]

        return infer
