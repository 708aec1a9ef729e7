#pragma once
// modelserver: one model version behind HTTP. It gets a folder and knows nothing of the rest of the
// house, so it runs alone on a desk or in a container as well as under the daemon.
//
//   slipway model-server --model DIR     GET / · POST /score · GET /swagger.json · GET /ready
//
// Entry scripts run in Python workers (PROTOCOL.md), ONNX models in this process.
#include "modelserver/bundle.h"
#include "modelserver/runtime_files.h"
#include "modelserver/serve.h"
