#include <cstdlib>

#include "router/message.h"

// A path and a Connection line from outside; what is parsed must lie inside what was given.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto path = router::parse_path(text))
    if (path->route.empty() || path->route.find('/') != std::string_view::npos) std::abort();
  http::RequestHead head;
  head.headers = {{"Connection", text}, {"Authorization", text}, {"X-Kept", "1"}};
  const auto out = router::forwarded_headers(head, text, {});
  if (out.has("authorization") || out.has("connection")) std::abort();
  (void)router::bearer(head.headers);
  return 0;
}
