#include "control/operations.h"

#include <fmt/core.h>

#include <ctime>

#include "base/log.h"

namespace slipway::control {
namespace {

// The documented form of a log entry's time, UTC.
std::string compact_time(TimeMs now_ms) {
  const std::time_t seconds = now_ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

Result<void> change(store::Transaction& tx, const std::string& scope, const std::string& id,
                    const std::function<void(resources::Operation&)>& edit) {
  const store::Key key{"operation", scope, id};
  TRY(const auto record, tx.get(key));
  if (!record) return {};
  TRY(auto operation, from_json<resources::Operation>(record->desired));
  if (operation.ended()) return {};
  edit(operation);
  TRY(const auto written, tx.update(key, to_json(operation)));
  return {};
}

}  // namespace

void Operations::say(const std::string& id, std::string_view text) {
  if (id.empty()) return;
  const std::string time = compact_time(clock_.now_ms());
  std::string lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) lines += fmt::format("{}|{}\n", time, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (auto written = store_.append_log(id, lines); !written)
    log::warning("control", "operation log not written", {{"why", written.error().message}});
}

void Operations::stage(const std::string& scope, const std::string& id,
                       const std::string& sub_type) {
  auto written = store_.write([&](store::Transaction& tx) {
    return change(tx, scope, id, [&](resources::Operation& operation) {
      operation.state = "Running";
      operation.sub_type = sub_type;
      operation.sub_state = "Running";
    });
  });
  if (!written)
    log::warning("control", "operation stage not written", {{"why", written.error().message}});
}

Result<void> Operations::finish(store::Transaction& tx, const std::string& scope,
                                const std::string& id,
                                const std::optional<resources::Failure>& failure, TimeMs now_ms) {
  return change(tx, scope, id, [&](resources::Operation& operation) {
    operation.state = failure ? "Failed" : "Succeeded";
    operation.sub_state = operation.state;
    operation.error = failure;
    operation.ended_ms = now_ms;
  });
}

}  // namespace slipway::control
