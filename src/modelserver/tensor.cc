#include "modelserver/tensor.h"

#include <fmt/core.h>

#include <array>

namespace slipway::modelserver {
namespace {

struct TypeFacts {
  std::string_view name;
  std::size_t size;
};
constexpr std::array<TypeFacts, 14> kTypes{{{"undefined", 0},
                                            {"float32", 4},
                                            {"uint8", 1},
                                            {"int8", 1},
                                            {"uint16", 2},
                                            {"int16", 2},
                                            {"int32", 4},
                                            {"int64", 8},
                                            {"string", 0},
                                            {"bool", 1},
                                            {"float16", 2},
                                            {"float64", 8},
                                            {"uint32", 4},
                                            {"uint64", 8}}};

const TypeFacts& facts(ElementType type) {
  const auto index = static_cast<std::size_t>(type);
  return index < kTypes.size() ? kTypes[index] : kTypes[0];
}

}  // namespace

std::string_view name_of(ElementType type) { return facts(type).name; }
std::size_t size_of(ElementType type) { return facts(type).size; }

std::int64_t element_count(const Dims& dims) {
  std::int64_t count = 1;
  for (const auto dim : dims)
    if (dim < 0 || __builtin_mul_overflow(count, dim, &count)) return -1;
  return count;
}

std::string describe(const ValueInfo& info) {
  if (info.kind != ValueInfo::Kind::tensor) return info.name + ": not a tensor";
  std::string text = fmt::format("{}: {}[", info.name, name_of(info.type));
  for (std::size_t i = 0; i < info.shape.size(); ++i) {
    if (i > 0) text += ", ";
    const bool named = i < info.names.size() && !info.names[i].empty();
    text += info.shape[i] >= 0 ? std::to_string(info.shape[i]) : named ? info.names[i] : "any";
  }
  return text + "]";
}

std::string describe(const std::vector<ValueInfo>& infos) {
  std::string text;
  for (const auto& info : infos) text += (text.empty() ? "" : "; ") + describe(info);
  return text;
}

}  // namespace slipway::modelserver
