#pragma once
// The sub-command `slipway model-server`.

namespace slipway::apps {

// `slipway model-server …`: serves one model version until SIGTERM. Returns the exit status:
// 0 after a drain, 1 for wrong options, 3 when the model or the entry script could not start.
int model_server_main(int argc, char** argv);

}  // namespace slipway::apps
