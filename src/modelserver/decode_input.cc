#include <fmt/core.h>
#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>

#include "base/crypto.h"
#include "modelserver/half.h"
#include "modelserver/tensor_json.h"

namespace slipway::modelserver {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kKeptBytes = 1 << 20;  // a parser that grew beyond this is not kept

Error bad(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message), "BadInput");
}

Error bad_value(const ValueInfo& info, std::string_view what) {
  return bad(fmt::format("input {} {}; the model expects {}", info.name, what, describe(info)));
}

// A number, or one of the texts that JSON lacks numbers for.
std::optional<double> as_double(element value) {
  double number = 0;
  if (!value.get(number)) return number;
  std::string_view text;
  if (value.get(text)) return std::nullopt;
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

// A whole number as JSON number or, as protobuf writes those of 64 bits, as text.
template <class Integer>
std::optional<Integer> as_integer(element value) {
  using Wide = std::conditional_t<std::is_signed_v<Integer>, std::int64_t, std::uint64_t>;
  Wide wide = 0;
  std::string_view text;
  double number = 0;
  if (!value.get(text)) {
    const auto end = std::from_chars(text.data(), text.data() + text.size(), wide);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  } else if (value.get(wide)) {
    constexpr double kExact = 9007199254740992;  // 2^53: whole numbers up to here are themselves
    if (value.get(number) || number != std::trunc(number) || std::abs(number) > kExact)
      return std::nullopt;
    if (!std::is_signed_v<Integer> && number < 0) return std::nullopt;
    wide = static_cast<Wide>(number);
  }
  if (wide < static_cast<Wide>(std::numeric_limits<Integer>::min()) ||
      wide > static_cast<Wide>(std::numeric_limits<Integer>::max()))
    return std::nullopt;
  return static_cast<Integer>(wide);
}

template <class Number>
bool put(Tensor& tensor, const std::optional<Number>& value) {
  if (!value) return false;
  char bytes[sizeof(Number)];
  std::memcpy(bytes, &*value, sizeof bytes);
  tensor.bytes.append(bytes, sizeof bytes);
  return true;
}

bool put_boolean(Tensor& tensor, element value) {
  bool flag = false;
  if (!value.get(flag)) return put<std::uint8_t>(tensor, flag ? 1 : 0);
  const auto number = as_integer<std::uint8_t>(value);
  return number && *number <= 1 && put(tensor, number);
}

bool put_string(Tensor& tensor, element value) {
  std::string_view text;
  if (value.get(text)) return false;
  tensor.strings.emplace_back(text);
  return true;
}

bool put_float(Tensor& tensor, element value) {
  const auto number = as_double(value);
  if (!number) return false;
  switch (tensor.type) {
    case ElementType::float32: return put(tensor, std::optional(static_cast<float>(*number)));
    case ElementType::float64: return put(tensor, number);
    default: return put(tensor, std::optional(to_half(static_cast<float>(*number))));
  }
}

bool put_element(Tensor& tensor, element value) {
  switch (tensor.type) {
    case ElementType::uint8: return put(tensor, as_integer<std::uint8_t>(value));
    case ElementType::int8: return put(tensor, as_integer<std::int8_t>(value));
    case ElementType::uint16: return put(tensor, as_integer<std::uint16_t>(value));
    case ElementType::int16: return put(tensor, as_integer<std::int16_t>(value));
    case ElementType::int32: return put(tensor, as_integer<std::int32_t>(value));
    case ElementType::int64: return put(tensor, as_integer<std::int64_t>(value));
    case ElementType::uint32: return put(tensor, as_integer<std::uint32_t>(value));
    case ElementType::uint64: return put(tensor, as_integer<std::uint64_t>(value));
    case ElementType::boolean: return put_boolean(tensor, value);
    case ElementType::string: return put_string(tensor, value);
    default: return put_float(tensor, value);
  }
}

Error wrong_element(const ValueInfo& info, element value) {
  std::string text = simdjson::minify(value);
  constexpr std::size_t kShown = 40;
  if (text.size() > kShown) text = text.substr(0, kShown) + "…";
  return bad_value(info, fmt::format("holds {}, which is no {}", text, name_of(info.type)));
}

// Nested arrays: the first path down gives the dimensions, and every other must agree.
struct PlainReader {
  const ValueInfo& info;
  Tensor& tensor;

  Result<void> measure(element value) const {
    array items;
    while (!value.get(items)) {
      if (tensor.dims.size() == kMaxDepth) return bad_value(info, "is nested too deep");
      const auto size = items.size();
      tensor.dims.push_back(static_cast<std::int64_t>(size));
      if (size == 0) break;
      value = items.at(0).value_unsafe();
    }
    return {};
  }

  Result<void> read(element value, std::size_t depth) const {
    if (depth == tensor.dims.size()) {
      if (!put_element(tensor, value)) return wrong_element(info, value);
      return {};
    }
    array items;
    if (value.get(items)) return bad_value(info, "is ragged: a value stands where a list should");
    std::int64_t count = 0;
    for (const auto item : items) {
      TRY_VOID(read(item, depth + 1));
      ++count;
    }
    if (count != tensor.dims[depth])
      return bad_value(info, fmt::format("is ragged: lists of {} and {} elements in dimension {}",
                                         tensor.dims[depth], count, depth));
    return {};
  }
};

Result<void> check_shape(const ValueInfo& info, const Dims& dims) {
  bool fits = dims.size() == info.shape.size();
  for (std::size_t i = 0; fits && i < dims.size(); ++i)
    fits = info.shape[i] < 0 || info.shape[i] == dims[i];
  if (fits) return {};
  std::string got;
  for (const auto dim : dims) got += (got.empty() ? "" : ", ") + std::to_string(dim);
  return bad_value(info, fmt::format("has shape [{}]", got));
}

Result<Tensor> read_plain(const ValueInfo& info, element value) {
  Tensor tensor;
  tensor.type = info.type;
  const PlainReader reader{info, tensor};
  TRY_VOID(reader.measure(value));
  TRY_VOID(check_shape(info, tensor.dims));
  TRY_VOID(reader.read(value, 0));
  return tensor;
}

// A member by its name in protobuf's JSON, or by its original one.
std::optional<element> member(object fields, std::string_view name, std::string_view original) {
  element value;
  if (!fields.at_key(name).get(value) || !fields.at_key(original).get(value)) return value;
  return std::nullopt;
}

Result<Dims> read_dims(const ValueInfo& info, object fields) {
  Dims dims;
  const auto value = member(fields, "dims", "dims");
  array items;
  if (!value) return dims;
  if (value->get(items)) return bad_value(info, "has dims that are no list");
  for (const auto item : items) {
    const auto dim = as_integer<std::int64_t>(item);
    if (!dim || *dim < 0) return bad_value(info, "has a dimension that is no whole number");
    dims.push_back(*dim);
  }
  return dims;
}

// A number of TensorProto.DataType, or its name there.
Result<void> check_type(const ValueInfo& info, object fields) {
  static constexpr std::string_view kNames[] = {"UNDEFINED", "FLOAT",  "UINT8",  "INT8",   "UINT16",
                                                "INT16",     "INT32",  "INT64",  "STRING", "BOOL",
                                                "FLOAT16",   "DOUBLE", "UINT32", "UINT64"};
  const auto value = member(fields, "dataType", "data_type");
  if (!value) return {};
  const auto wanted = static_cast<std::int32_t>(info.type);
  std::string_view name;
  if (as_integer<std::int32_t>(*value) == wanted) return {};
  if (!value->get(name) && name == kNames[wanted]) return {};
  return bad_value(info,
                   fmt::format("has dataType {}; {} is {}", std::string(simdjson::minify(*value)),
                               name_of(info.type), wanted));
}

std::pair<std::string_view, std::string_view> data_member(ElementType type) {
  switch (type) {
    case ElementType::float32: return {"floatData", "float_data"};
    case ElementType::float64: return {"doubleData", "double_data"};
    case ElementType::int64: return {"int64Data", "int64_data"};
    case ElementType::uint32:
    case ElementType::uint64: return {"uint64Data", "uint64_data"};
    case ElementType::string: return {"stringData", "string_data"};
    default: return {"int32Data", "int32_data"};
  }
}

Result<void> read_typed(const ValueInfo& info, element value, Tensor& tensor) {
  array items;
  if (value.get(items)) return bad_value(info, "has data that are no list");
  for (const auto item : items) {
    const bool half = info.type == ElementType::float16;  // its bits, as protobuf has them
    const bool taken =
        half ? put(tensor, as_integer<std::uint16_t>(item)) : put_element(tensor, item);
    if (!taken) return wrong_element(info, item);
  }
  for (auto& text : tensor.strings) {  // bytes, which protobuf writes in base64
    TRY(text, from_base64(text));
  }
  return {};
}

Result<Tensor> read_proto(const ValueInfo& info, element value, TensorForm& form) {
  object fields;
  if (value.get(fields)) return bad_value(info, "is no object with dims and data");
  Tensor tensor;
  tensor.type = info.type;
  TRY_VOID(check_type(info, fields));
  TRY(tensor.dims, read_dims(info, fields));
  TRY_VOID(check_shape(info, tensor.dims));
  const auto [name, original] = data_member(info.type);
  std::string_view text;
  if (const auto raw = member(fields, "rawData", "raw_data"); raw && !raw->get(text)) {
    if (info.type == ElementType::string) return bad_value(info, "is text, which has no rawData");
    TRY(tensor.bytes, from_base64(text));
    form = TensorForm::raw_data;
  } else if (const auto data = member(fields, name, original)) {
    TRY_VOID(read_typed(info, *data, tensor));
  } else {
    return bad_value(info, fmt::format("has neither rawData nor {}", name));
  }
  const auto count = static_cast<std::size_t>(element_count(tensor.dims));
  const bool strings = info.type == ElementType::string;
  const auto given = strings ? tensor.strings.size() : tensor.bytes.size();
  const auto needed = strings ? count : count * size_of(info.type);
  if (element_count(tensor.dims) < 0 || given != needed)
    return bad_value(info, fmt::format("has {} {} of data where its dims need {}", given,
                                       strings ? "texts" : "bytes", needed));
  return tensor;
}

Result<object> parse(std::string& body) {
  thread_local std::unique_ptr<simdjson::dom::parser> parser;
  if (!parser || parser->capacity() > kKeptBytes)
    parser = std::make_unique<simdjson::dom::parser>();
  if (body.empty()) return bad("POST body is empty. Expecting a JSON dictionary.");
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  element document;
  const auto error = parser->parse(body.data(), body.size(), false).get(document);
  if (error == simdjson::UTF8_ERROR) return bad("Input cannot be decoded as UTF-8");
  if (error)
    return bad(
        fmt::format("POST body could not be decoded as JSON: {}", simdjson::error_message(error)));
  object fields;
  if (document.get(fields)) return bad("POST body should be a JSON dictionary.");
  return fields;
}

bool all_objects(object fields) {
  for (const auto field : fields)
    if (!field.value.is_object()) return false;
  return fields.size() > 0;
}

Result<std::size_t> output_index(element item, const Signature& signature) {
  std::string_view name;
  if (item.get(name)) return bad("outputFilter must be a list of output names");
  for (std::size_t i = 0; i < signature.outputs.size(); ++i)
    if (signature.outputs[i].name == name) return i;
  return bad(fmt::format("outputFilter names {}; the model's outputs are {}", name,
                         describe(signature.outputs)));
}

// All of them when there is no filter, or an empty one.
Result<std::vector<std::size_t>> wanted_outputs(object fields, const Signature& signature) {
  std::vector<std::size_t> wanted;
  if (const auto filter = member(fields, "outputFilter", "output_filter")) {
    array names;
    if (filter->get(names)) return bad("outputFilter must be a list of output names");
    for (const auto item : names) {
      TRY(const auto index, output_index(item, signature));
      wanted.push_back(index);
    }
  }
  if (!wanted.empty()) return wanted;
  wanted.resize(signature.outputs.size());
  std::iota(wanted.begin(), wanted.end(), std::size_t{0});
  return wanted;
}

bool is_input(const Signature& signature, std::string_view name) {
  for (const auto& info : signature.inputs)
    if (info.name == name) return true;
  return false;
}

Result<void> read_named(object fields, const Signature& signature, bool proto, ScoreInput& out) {
  for (const auto field : fields)
    if (!is_input(signature, field.key) && field.key != "outputFilter" &&
        field.key != "output_filter")
      return bad(fmt::format("the model has no input {}; it expects {}", field.key,
                             describe(signature.inputs)));
  for (const auto& info : signature.inputs) {
    element value;
    if (fields.at_key(info.name).get(value))
      return bad(fmt::format("A value is not provided for the '{}' input; the model expects {}",
                             info.name, describe(signature.inputs)));
    if (proto) {
      TRY(auto tensor, read_proto(info, value, out.form));
      out.tensors.push_back({info.name, std::move(tensor)});
    } else {
      TRY(auto tensor, read_plain(info, value));
      out.tensors.push_back({info.name, std::move(tensor)});
    }
  }
  return {};
}

// What stands under "inputs" or "data", where the model has no input of that name.
Result<void> read_wrapped(element value, const Signature& signature, ScoreInput& out) {
  object named;
  if (!value.get(named)) {
    const bool proto = all_objects(named);
    out.form = proto ? TensorForm::typed_data : TensorForm::plain;
    return read_named(named, signature, proto, out);
  }
  if (signature.inputs.size() != 1)
    return bad("the model has several inputs, so each must be given by name; it expects " +
               describe(signature.inputs));
  const auto& info = signature.inputs.front();
  TRY(auto tensor, read_plain(info, value));
  out.tensors.push_back({info.name, std::move(tensor)});
  return {};
}

}  // namespace

Result<ScoreInput> decode_input(std::string& body, const Signature& signature) {
  TRY(const object fields, parse(body));
  ScoreInput out;
  TRY(out.outputs, wanted_outputs(fields, signature));
  for (const std::string_view wrapper : {"inputs", "data"}) {
    element value;
    if (is_input(signature, wrapper) || fields.at_key(wrapper).get(value)) continue;
    TRY_VOID(read_wrapped(value, signature, out));
    return out;
  }
  TRY_VOID(read_named(fields, signature, false, out));
  return out;
}

}  // namespace slipway::modelserver
