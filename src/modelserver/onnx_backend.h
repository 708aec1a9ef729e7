#pragma once
// OnnxBackend: an ONNX model in this process, run by ONNX Runtime.
#include <filesystem>
#include <memory>

#include "modelserver/backend.h"
#include "modelserver/bundle.h"

namespace slipway::modelserver {

std::unique_ptr<Backend> make_onnx_backend(asio::io_context& context, const Bundle& bundle,
                                           const std::filesystem::path& folder);

}  // namespace slipway::modelserver
