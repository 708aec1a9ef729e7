#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "base/crypto.h"
#include "modelserver/half.h"
#include "modelserver/tensor_json.h"

namespace slipway::modelserver {
namespace {

void write_string(std::string& out, std::string_view text) {
  out += json::serialize(json::value(text));
}

// Numbers that JSON lacks become the texts that protobuf's JSON uses for them.
template <class Float>
void write_float(std::string& out, Float value) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
  } else if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

template <class Number>
Number at(const Tensor& tensor, std::size_t index) {
  Number value;
  std::memcpy(&value, tensor.bytes.data() + index * sizeof value, sizeof value);
  return value;
}

template <class Integer>
void write_integer(std::string& out, const Tensor& tensor, std::size_t index) {
  fmt::format_to(std::back_inserter(out), "{}", at<Integer>(tensor, index));
}

void write_element(std::string& out, const Tensor& tensor, std::size_t i) {
  switch (tensor.type) {
    case ElementType::float32: return write_float(out, at<float>(tensor, i));
    case ElementType::float64: return write_float(out, at<double>(tensor, i));
    case ElementType::float16: return write_float(out, from_half(at<std::uint16_t>(tensor, i)));
    case ElementType::uint8: return write_integer<std::uint8_t>(out, tensor, i);
    case ElementType::int8: return write_integer<std::int8_t>(out, tensor, i);
    case ElementType::uint16: return write_integer<std::uint16_t>(out, tensor, i);
    case ElementType::int16: return write_integer<std::int16_t>(out, tensor, i);
    case ElementType::int32: return write_integer<std::int32_t>(out, tensor, i);
    case ElementType::int64: return write_integer<std::int64_t>(out, tensor, i);
    case ElementType::uint32: return write_integer<std::uint32_t>(out, tensor, i);
    case ElementType::uint64: return write_integer<std::uint64_t>(out, tensor, i);
    case ElementType::boolean: out += tensor.bytes[i] != 0 ? "true" : "false"; return;
    case ElementType::string: return write_string(out, tensor.strings[i]);
    case ElementType::undefined: out += "null"; return;
  }
}

// Nested lists; returns the index after the last element written.
std::size_t write_nested(std::string& out, const Tensor& tensor, std::size_t depth,
                         std::size_t index) {
  if (depth == tensor.dims.size()) {
    write_element(out, tensor, index);
    return index + 1;
  }
  out += '[';
  for (std::int64_t i = 0; i < tensor.dims[depth]; ++i) {
    if (i > 0) out += ", ";
    index = write_nested(out, tensor, depth + 1, index);
  }
  out += ']';
  return index;
}

void write_maps(std::string& out, const MapSequence& maps) {
  out += '[';
  for (const auto& map : maps) {
    out += out.back() == '[' ? "{" : ", {";
    for (const auto& [key, value] : map) {
      if (out.back() != '{') out += ", ";
      const auto* text = std::get_if<std::string>(&key);
      write_string(out, text != nullptr ? *text : std::to_string(std::get<std::int64_t>(key)));
      out += ": ";
      write_float(out, value);
    }
    out += '}';
  }
  out += ']';
}

// protobuf writes whole numbers of 64 bits as texts, bytes in base64 and float16 as its bits.
void write_typed_element(std::string& out, const Tensor& tensor, std::size_t i) {
  switch (tensor.type) {
    case ElementType::int64:
    case ElementType::uint64:
      out += '"';
      write_element(out, tensor, i);
      out += '"';
      return;
    case ElementType::string: return write_string(out, to_base64(tensor.strings[i]));
    case ElementType::float16: return write_integer<std::uint16_t>(out, tensor, i);
    case ElementType::boolean: out += tensor.bytes[i] != 0 ? '1' : '0'; return;
    default: return write_element(out, tensor, i);
  }
}

std::string_view typed_member(ElementType type) {
  switch (type) {
    case ElementType::float32: return "floatData";
    case ElementType::float64: return "doubleData";
    case ElementType::int64: return "int64Data";
    case ElementType::uint32:
    case ElementType::uint64: return "uint64Data";
    case ElementType::string: return "stringData";
    default: return "int32Data";
  }
}

void write_proto(std::string& out, const Tensor& tensor, TensorForm form) {
  out += R"({"dims": [)";
  for (std::size_t i = 0; i < tensor.dims.size(); ++i)
    fmt::format_to(std::back_inserter(out), R"({}"{}")", i > 0 ? ", " : "", tensor.dims[i]);
  fmt::format_to(std::back_inserter(out), R"(], "dataType": {}, )", static_cast<int>(tensor.type));
  if (form == TensorForm::raw_data && tensor.type != ElementType::string) {
    out += R"("rawData": ")" + to_base64(tensor.bytes) + "\"}";
    return;
  }
  fmt::format_to(std::back_inserter(out), R"("{}": [)", typed_member(tensor.type));
  const auto count = static_cast<std::size_t>(element_count(tensor.dims));
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += ", ";
    write_typed_element(out, tensor, i);
  }
  out += "]}";
}

}  // namespace

std::string encode_output(const std::vector<NamedOutput>& outputs, TensorForm form) {
  const bool plain = form == TensorForm::plain;
  std::string out = plain ? "{" : R"({"outputs": {)";
  for (const auto& output : outputs) {
    if (out.back() != '{') out += ", ";
    write_string(out, output.name);
    out += ": ";
    // A sequence of maps has no form in ONNX Runtime Server; it is answered as in the plain form.
    if (const auto* maps = std::get_if<MapSequence>(&output.value))
      write_maps(out, *maps);
    else if (const auto& tensor = std::get<Tensor>(output.value); plain)
      write_nested(out, tensor, 0, 0);
    else
      write_proto(out, tensor, form);
  }
  return out + (plain ? "}" : "}}");
}

}  // namespace slipway::modelserver
