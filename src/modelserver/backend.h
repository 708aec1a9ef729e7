#pragma once
// Backend: what runs a request; one implementation for Python scripts, one for ONNX models.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/executor.h"
#include "base/json.h"
#include "http/message.h"
#include "modelserver/protocol.h"

namespace slipway::modelserver {

struct ScoreRequest {
  const http::RequestHead* head = nullptr;
  std::string_view request_id;
  std::string body;
};

struct ScoreAnswer {
  unsigned status = 200;
  http::Headers headers;  // with Content-Type
  std::string body;
  bool run_failed = false;
  std::optional<std::int64_t> run_us;
};

// {"message": …} with that status.
ScoreAnswer error_answer(unsigned status, std::string_view message);

// Lives on the server's one Core; everything but its construction is called there.
class Backend {
 public:
  using Started = std::function<void(std::optional<StartFailure>)>;
  virtual ~Backend() = default;
  // Begins to load; `started` is called once, on the Core, with nothing when it can serve.
  virtual void start(Started started) = 0;
  virtual bool ready() const = 0;
  virtual Task<ScoreAnswer> score(ScoreRequest request) = 0;
  // {"input": schema, "output": schema, "versions": ["2.0", …]}; valid once started.
  virtual const json::object& schemas() const = 0;
  // Ends workers; requests that wait are answered 503. `stopped` is called when none is left.
  virtual void stop(std::function<void()> stopped) = 0;
};

}  // namespace slipway::modelserver
