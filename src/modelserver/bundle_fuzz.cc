#include "modelserver/bundle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)slipway::modelserver::parse_bundle({reinterpret_cast<const char*>(data), size});
  return 0;
}
