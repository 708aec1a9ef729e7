#include "modelserver/protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)slipway::modelserver::decode_prefix(bytes);
  (void)slipway::modelserver::decode_response(bytes);
  (void)slipway::modelserver::decode_ready(bytes);
  (void)slipway::modelserver::decode_failure(bytes);
  return 0;
}
