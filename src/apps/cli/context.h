#pragma once
// What a command works with: its arguments, the server and the workspace.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apps/cli/arguments.h"
#include "apps/cli/rest.h"
#include "apps/cli/workspace.h"

namespace slipway::cli {

// The faces of the server; each has its own beginning of the URL.
enum class Face { manager, management, artifact, environment, compute };

// Lives for one command; one thread. Server and workspace are looked up at first use.
class Context {
 public:
  explicit Context(const Invocation& invocation) : invocation_(invocation) {}

  const Arguments& arguments() const { return invocation_.arguments; }
  const Command& command() const { return *invocation_.command; }
  bool verbose() const { return arguments().flag("--verbose"); }
  // --path, else the current folder.
  std::filesystem::path folder() const;
  // The file an option names, relative to folder().
  std::filesystem::path file(std::string_view option) const;

  Result<Rest*> rest();
  // The flags, else the nearest config.json, else az's defaults, else the only workspace there is.
  Result<WorkspaceName> workspace();
  // "/modelmanagement/v1.0/subscriptions/…/workspaces/w" + `rest`.
  Result<std::string> url(Face face, std::string_view rest);
  Result<Reply> call(std::string_view method, Face face, std::string_view rest,
                     const json::value& body = nullptr,
                     std::string_view content_type = "application/json");
  Result<json::value> get(Face face, std::string_view rest);
  // Every item of a paged list.
  Result<json::array> list(Face face, const std::string& rest);
  // The ARM objects of the workspaces of a subscription; of all when it is empty.
  Result<json::array> workspaces(const std::string& subscription);
  Result<std::string> first_subscription();

 private:
  WorkspaceName named() const;
  Result<WorkspaceName> complete(WorkspaceName partial);

  const Invocation& invocation_;
  std::unique_ptr<Rest> rest_;
  std::optional<WorkspaceName> workspace_;
};

// Writes `answer` to the file of --output-metadata-file, when it was given.
Result<void> write_metadata(const Context& context, const json::value& answer);

// "&name=value" (or "?…" at the beginning), nothing for an empty value.
void add_query(std::string& target, std::string_view name, std::string_view value);

}  // namespace slipway::cli
