#pragma once
// How a Python worker is called: interpreter, arguments, environment.
#include "modelserver/bundle.h"
#include "modelserver/python_worker.h"

namespace slipway::modelserver {

// not_found when the interpreter is not there. The environment is ours, less what belongs to the
// daemon, plus the documented variables and the bundle's own.
Result<WorkerCommand> python_command(const Bundle& bundle, const std::filesystem::path& folder,
                                     const std::filesystem::path& runtime);

}  // namespace slipway::modelserver
