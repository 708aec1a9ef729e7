#pragma once
// IEEE 754 half precision (float16) to and from float; clang does both in one instruction or call.
#include <bit>
#include <cstdint>

namespace slipway::modelserver {

inline std::uint16_t to_half(float value) {
  return std::bit_cast<std::uint16_t>(static_cast<_Float16>(value));
}
inline float from_half(std::uint16_t bits) {
  return static_cast<float>(std::bit_cast<_Float16>(bits));
}

}  // namespace slipway::modelserver
