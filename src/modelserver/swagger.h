#pragma once
// The swagger documents of a service: made from its schemas, or the user's own files.
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "modelserver/bundle.h"

namespace slipway::modelserver {

// Serialised documents by version: "2", "3", "3.1". A plain value.
class Swagger {
 public:
  // `version` or one of its other names ("2.0", "3.0"); not_found lists the versions there are.
  Result<const std::string*> find(std::string_view version) const;
  void put(std::string version, std::string document) { documents_[std::move(version)] = document; }

 private:
  std::map<std::string, std::string, std::less<>> documents_;
};

// schemas: {"input", "output", "versions"}. swagger.json, swagger2.json, swagger3.json and
// swagger3.1.json in the bundle's folder or beside the entry script take the place of ours.
Swagger make_swagger(const Bundle& bundle, const std::filesystem::path& folder,
                     const json::object& schemas);

}  // namespace slipway::modelserver
