#include "control/collector.h"

#include <set>

#include "base/log.h"

namespace slipway::control {
namespace {

// Every "digest" anywhere in a document: of an artifact, of a model's files, of a service's code.
void add_digests(const json::value& value, std::set<std::string>& digests) {
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      const auto* text = member.value().if_string();
      if (member.key() == "digest" && text != nullptr)
        digests.emplace(text->c_str());
      else
        add_digests(member.value(), digests);
    }
  } else if (const auto* array = value.if_array()) {
    for (const auto& item : *array) add_digests(item, digests);
  }
}

Result<std::int64_t> collect(store::Store& store, artifacts::Artifacts& artifacts) {
  std::set<std::string> referenced;
  for (const char* kind : {"artifact", "model", "service"}) {
    TRY(const auto records, store.list(kind, {}));
    for (const auto& record : records) add_digests(record.desired, referenced);
  }
  return artifacts.collect(referenced, kCollectGraceMs);
}

}  // namespace

void collect_garbage(store::Store& store, artifacts::Artifacts& artifacts) {
  const auto freed = collect(store, artifacts);
  if (!freed)
    log::warning("control", "garbage not collected", {{"why", freed.error().message}});
  else if (*freed > 0)
    log::info("control", "garbage collected", {{"bytes", *freed}});
}

}  // namespace slipway::control
