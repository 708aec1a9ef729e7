#pragma once
// OnnxSession: a loaded model, over ONNX Runtime's C API, which is opened at run time so that only
// processes that serve an ONNX model ever map it.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "modelserver/tensor.h"

namespace slipway::modelserver {

// Immutable once loaded; run() may be called from any thread, also at the same time.
class OnnxSession {
 public:
  // The library is $SLIPWAY_ONNXRUNTIME, else libonnxruntime.so.1 in ../lib beside the program,
  // else the system's. Blocks while it reads and optimises the model. `threads` run one request.
  // invalid_argument with reason ModelLoadFailed when the file is no model we can run.
  static Result<std::unique_ptr<OnnxSession>> load(const std::filesystem::path& file, int threads);
  ~OnnxSession();

  // Gives back the pages of the library's code that loading touched: clean file pages, which the
  // kernel reads again from its cache where a run needs them.
  static void release_code_pages();

  const Signature& signature() const;
  // `inputs` must fit the signature; `outputs` holds indices into signature().outputs.
  // invalid_argument with the runtime's words when the model refuses the values.
  Result<std::vector<NamedOutput>> run(const std::vector<NamedTensor>& inputs,
                                       const std::vector<std::size_t>& outputs) const;

 private:
  struct Impl;
  explicit OnnxSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::modelserver
