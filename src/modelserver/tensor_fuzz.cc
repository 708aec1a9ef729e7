#include "modelserver/tensor_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway::modelserver;
  static const Signature signature{
      {{"x", ValueInfo::Kind::tensor, ElementType::float32, {-1, 3}, {}},
       {"i", ValueInfo::Kind::tensor, ElementType::int64, {-1}, {}},
       {"s", ValueInfo::Kind::tensor, ElementType::string, {-1}, {}}},
      {{"y", ValueInfo::Kind::tensor, ElementType::float32, {-1, 2}, {}}}};
  std::string body(reinterpret_cast<const char*>(data), size);
  const auto input = decode_input(body, signature);
  if (!input) return 0;
  std::vector<NamedOutput> echoed;
  for (const auto& tensor : input->tensors) echoed.push_back({tensor.name, tensor.tensor});
  (void)encode_output(echoed, input->form);
  return 0;
}
