#include "apps/cli/config_file.h"
#include "apps/cli/inference.h"
#include "apps/cli/settings.h"

// deploymentconfig and inferenceconfig, in JSON and YAML. What is accepted must make a request.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size) {
  using namespace slipway::cli;
  const auto value = parse_json_or_yaml({reinterpret_cast<const char*>(bytes), size});
  if (!value) return 0;
  if (const auto config = check_deployment_config(*value)) {
    (void)create_members(*config);
    (void)update_operations(*config);
  }
  (void)check_inference_config(*value, "/nonexistent", "service").has_value();
  return 0;
}
