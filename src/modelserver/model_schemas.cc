#include "modelserver/tensor_json.h"

namespace slipway::modelserver {
namespace {

constexpr std::int64_t kExampleElements = 4096;  // no larger example is written out

json::object element_schema(ElementType type) {
  switch (type) {
    case ElementType::float16:
    case ElementType::float32: return {{"type", "number"}, {"format", "float"}};
    case ElementType::float64: return {{"type", "number"}, {"format", "double"}};
    case ElementType::boolean: return {{"type", "boolean"}};
    case ElementType::string: return {{"type", "string"}};
    case ElementType::int64: return {{"type", "integer"}, {"format", "int64"}};
    default: return {{"type", "integer"}, {"format", name_of(type)}};
  }
}

json::object value_schema(const ValueInfo& info) {
  if (info.kind == ValueInfo::Kind::sequence_of_maps)
    return {{"type", "array"},
            {"items", json::object{{"type", "object"},
                                   {"additionalProperties", json::object{{"type", "number"}}}}}};
  json::object schema = element_schema(info.type);
  for (auto dim = info.shape.rbegin(); dim != info.shape.rend(); ++dim) {
    json::object list{{"type", "array"}, {"items", std::move(schema)}};
    if (*dim >= 0) list["minItems"] = list["maxItems"] = *dim;
    schema = std::move(list);
  }
  return schema;
}

json::value example(const ValueInfo& info, std::size_t depth) {
  if (depth == info.shape.size()) {
    if (info.type == ElementType::string) return "";
    if (info.type == ElementType::boolean) return false;
    return 0;
  }
  const auto size = info.shape[depth] < 0 ? 1 : info.shape[depth];
  json::array items;
  for (std::int64_t i = 0; i < size; ++i) items.push_back(example(info, depth + 1));
  return items;
}

bool small(const ValueInfo& info) {
  Dims dims = info.shape;
  for (auto& dim : dims) dim = dim < 0 ? 1 : dim;
  const auto count = element_count(dims);
  return info.kind == ValueInfo::Kind::tensor && count >= 0 && count <= kExampleElements;
}

json::object side_schema(const std::vector<ValueInfo>& infos) {
  json::object properties, examples;
  json::array required;
  for (const auto& info : infos) {
    properties[info.name] = value_schema(info);
    required.push_back(json::value(info.name));
    if (small(info)) examples[info.name] = example(info, 0);
  }
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"example", std::move(examples)}};
}

}  // namespace

json::object model_schemas(const Signature& signature) {
  return {{"input", side_schema(signature.inputs)},
          {"output", side_schema(signature.outputs)},
          {"versions", json::array{"2.0", "3.0", "3.1"}}};
}

}  // namespace slipway::modelserver
