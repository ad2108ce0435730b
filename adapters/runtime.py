"""ONNX Runtime sessions that share the cores with everything else that runs."""

from __future__ import annotations

from typing import Any

from adapters.base import AdapterError

CURE = "run: duckbill models verify"  # of weights that the catalogue knows


def session(model: str | bytes, threads: int, what: str, cure: str = CURE) -> Any:
    """A session whose idle threads sleep instead of spinning. `what`: the weights, for people. Raises AdapterError."""
    try:
        import onnxruntime
    except ImportError as error:
        line = f"the {what} needs onnxruntime: pip install 'duckbill[{what.split()[0]}]'"
        raise AdapterError("missing", line) from error

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises types of its own for a damaged file
        line = f"the {what} cannot be loaded ({str(error).splitlines()[0][:100]}); {cure}"
        raise AdapterError("corrupt", line) from error
