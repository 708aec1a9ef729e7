#include <cstdint>

#include "api/block_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)slipway::api::parse_block_list({reinterpret_cast<const char*>(data), size});
  return 0;
}
