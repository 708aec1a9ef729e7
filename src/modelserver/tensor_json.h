#pragma once
// JSON ↔ tensors, in the two documented forms, and the schemas of a model for swagger.
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "modelserver/tensor.h"

namespace slipway::modelserver {

// plain: {"x": [[1, 2]]}, also as {"inputs": {"x": …}}, and {"data": [[1, 2]]} or {"inputs": …} for
// a model of one input. The other two are ONNX Runtime Server's: {"inputs": {"x": {"dims": [1, 2],
// "dataType": 1, "rawData": base64 | "floatData": […]}}, "outputFilter": ["y"]}.
// The answer has the form of the question.
enum class TensorForm { plain, raw_data, typed_data };

struct ScoreInput {
  TensorForm form = TensorForm::plain;
  std::vector<NamedTensor> tensors;  // in the order of the signature, each fitting it
  std::vector<std::size_t> outputs;  // wanted ones, as indices into the signature's outputs
};

// invalid_argument says what does not fit and what the model expects. `body` is padded in place.
Result<ScoreInput> decode_input(std::string& body, const Signature& signature);

std::string encode_output(const std::vector<NamedOutput>& outputs, TensorForm form);

// {"input": schema, "output": schema, "versions": […]}, with examples of zeros.
json::object model_schemas(const Signature& signature);

}  // namespace slipway::modelserver
