#!/usr/bin/env python3
"""Writes the small models beside this file: make_models.py (needs the package onnx)."""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent


def save(name, nodes, inputs, outputs, initializers=()):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(initializers))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


# y = x · W with W = [[1, 0], [0, 1], [1, 1]]
weights = numpy_helper.from_array(np.array([[1, 0], [0, 1], [1, 1]], np.float32), "W")
save("linear", [helper.make_node("MatMul", ["x", "W"], ["y"])],
     [value("x", TensorProto.FLOAT, ["N", 3])], [value("y", TensorProto.FLOAT, ["N", 2])],
     [weights])

# One output per element type, each its input.
kinds = {"f64": TensorProto.DOUBLE, "i64": TensorProto.INT64, "i32": TensorProto.INT32,
         "u8": TensorProto.UINT8, "b": TensorProto.BOOL, "s": TensorProto.STRING,
         "f16": TensorProto.FLOAT16}
save("echo", [helper.make_node("Identity", [k], ["out_" + k]) for k in kinds],
     [value(k, t, ["N"]) for k, t in kinds.items()],
     [value("out_" + k, t, ["N"]) for k, t in kinds.items()])

# A sequence of maps, as classifiers of scikit-learn end with.
maps = helper.make_value_info("probabilities", helper.make_sequence_type_proto(
    helper.make_map_type_proto(TensorProto.STRING,
                               helper.make_tensor_type_proto(TensorProto.FLOAT, []))))
save("zipmap", [helper.make_node("ZipMap", ["x"], ["probabilities"], domain="ai.onnx.ml",
                                 classlabels_strings=["no", "yes"])],
     [value("x", TensorProto.FLOAT, ["N", 2])], [maps])
