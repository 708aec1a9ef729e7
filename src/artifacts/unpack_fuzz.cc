// Unpacks arbitrary bytes: no crash, no file outside the folder, small limits hold.
#include <stdlib.h>

#include <cstdint>

#include "artifacts/artifacts.h"
#include "base/result.h"

namespace {

slipway::artifacts::Artifacts& artifacts() {
  static auto opened = [] {
    std::string folder = (std::filesystem::temp_directory_path() / "slipway-fuzz-XXXXXX").string();
    CHECK(::mkdtemp(folder.data()) != nullptr, "a temporary folder is needed");
    return *slipway::artifacts::Artifacts::open(folder, slipway::system_clock());
  }();
  return *opened;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto upload = *artifacts().begin_upload();
  if (!upload->write({reinterpret_cast<const char*>(data), size})) return 0;
  const auto blob = upload->commit();
  if (!blob) return 0;
  const auto files = artifacts().unpack(blob->digest, {.bytes = 1 << 20, .files = 100});
  if (files) {
    std::int64_t bytes = 0;
    for (const auto& file : *files) bytes += file.bytes;
    CHECK(bytes <= 1 << 20, "the limit of bytes holds");
  }
  CHECK(artifacts().collect({}, -1).has_value(), "what was unpacked can be removed");
  return 0;
}
