// The body of a create request as it becomes a service, and a patch over it.
#include <cstdint>

#include "api/patch.h"
#include "api/service_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const auto parsed = parse_json({reinterpret_cast<const char*>(data), size});
  if (!parsed || !parsed->is_object()) return 0;
  resources::Service service;
  if (!api::read_service(parsed->get_object(), service)) return 0;
  auto document = api::service_document(service);
  if (const auto* patch = parsed->get_object().if_contains("patch"); patch && patch->is_array())
    (void)api::apply_patch(document, patch->get_array(), api::service_paths());
  (void)api::read_service(document, service);
  return 0;
}
