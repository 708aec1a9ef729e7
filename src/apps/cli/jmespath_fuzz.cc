#include "apps/cli/jmespath.h"

// The first line is the expression, the rest the data.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto end = std::min(text.find('\n'), text.size());
  // Doubling parts ("[@,@]|…") grow with the length: 64 characters keep a run short.
  const auto path = slipway::cli::JmesPath::compile(text.substr(0, std::min<std::size_t>(end, 64)));
  const auto data = slipway::parse_json(text.substr(std::min(end + 1, text.size())));
  if (path && data) (void)path->search(*data).has_value();
  return 0;
}
