#pragma once
// Tensors and what a model says of its inputs and outputs, as plain values; no ONNX Runtime here.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace slipway::modelserver {

// The numbers of ONNX's TensorProto.DataType.
enum class ElementType : int {
  undefined = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  string = 8,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
};

// "float32"; "undefined" for what we do not carry.
std::string_view name_of(ElementType type);
// Bytes of one element; 0 for strings and undefined.
std::size_t size_of(ElementType type);

using Dims = std::vector<std::int64_t>;

// The product; nothing fits when it overflows or a dimension is negative: then -1.
std::int64_t element_count(const Dims& dims);

// Elements in row-major order: little-endian in `bytes`, or in `strings` for ElementType::string.
struct Tensor {
  ElementType type = ElementType::undefined;
  Dims dims;
  std::string bytes;
  std::vector<std::string> strings;
};

// What a classifier of scikit-learn answers beside its labels: one map of class → probability a
// row.
struct MapEntry {
  std::variant<std::int64_t, std::string> key;
  double value = 0;
};
using MapSequence = std::vector<std::vector<MapEntry>>;

// One input or output as the model declares it.
struct ValueInfo {
  enum class Kind { tensor, sequence_of_maps, other };
  std::string name;
  Kind kind = Kind::tensor;
  ElementType type = ElementType::undefined;
  Dims shape;                      // -1: any size
  std::vector<std::string> names;  // of those dimensions, as far as the model gives them
};
struct Signature {
  std::vector<ValueInfo> inputs;
  std::vector<ValueInfo> outputs;
};

// "float_input: float32[N, 4]"; and all inputs so, for messages.
std::string describe(const ValueInfo& info);
std::string describe(const std::vector<ValueInfo>& infos);

struct NamedTensor {
  std::string name;
  Tensor tensor;
};
struct NamedOutput {
  std::string name;
  std::variant<Tensor, MapSequence> value;
};

}  // namespace slipway::modelserver
