#pragma once
// PythonBackend: entry scripts in worker processes.
#include <filesystem>
#include <memory>

#include "base/executor.h"
#include "modelserver/backend.h"
#include "modelserver/bundle.h"

namespace slipway::modelserver {

// Starts Bundle::workers processes and gives each one request at a time; requests beyond that wait
// in a queue of kQueueLimit. A worker that dies loses the request it was running and is replaced.
std::unique_ptr<Backend> make_python_backend(asio::io_context& context, const Bundle& bundle,
                                             const std::filesystem::path& folder,
                                             const std::filesystem::path& runtime);

}  // namespace slipway::modelserver
