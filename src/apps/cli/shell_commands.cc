// What belongs to the shell: `install-az-shim`, `completion`, and the few commands of az that
// scripts of CLI v1 run beside `az ml`.
#include <fmt/format.h>

#include <filesystem>

#include "apps/cli/context.h"
#include "base/file.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

Result<json::value> install_az_shim(Context& context) {
  std::error_code code;
  const auto program = fs::read_symlink("/proc/self/exe", code);
  const fs::path folder = context.arguments().text("DIR");
  TRY_VOID(make_directories(folder, 0755));
  const auto link = folder / "az";
  const bool ours = fs::is_symlink(link, code) && fs::read_symlink(link, code) == program;
  if (!ours && (fs::exists(link, code) || fs::is_symlink(link, code)))
    return fail(ErrorCode::conflict,
                link.string() + " exists already and is not ours; take another folder",
                "FileExists", "DIR");
  if (!ours) fs::create_symlink(program, link, code);
  if (code) return fail(ErrorCode::forbidden, link.string() + ": " + code.message());
  fmt::print(stderr, "`az ml` is Slipway where {0} comes first: export PATH=\"{0}:$PATH\"\n",
             fs::absolute(folder, code).lexically_normal().string());
  return json::value(nullptr);
}

Result<json::value> completion(Context& context) {
  TRY(const auto script, completion_script(context.arguments().text("SHELL")));
  fmt::print("{}", script);
  return json::value(nullptr);
}

json::value account_of(const json::value& subscription) {
  return {{"environmentName", "AzureCloud"},
          {"id", string_or(subscription, "subscriptionId", "")},
          {"isDefault", true},
          {"name", string_or(subscription, "displayName", "")},
          {"state", string_or(subscription, "state", "Enabled")},
          {"tenantId", string_or(subscription, "tenantId", "")},
          {"user", {{"name", "owner"}, {"type", "user"}}}};
}

// The subscription of that id or name, or the first when `wanted` is empty.
Result<json::value> find_account(Context& context, const std::string& wanted) {
  TRY(auto* rest, context.rest());
  TRY(const auto answer, rest->get("/subscriptions?api-version=2022-12-01"));
  const auto* value = find(answer, "value");
  if (value != nullptr && value->is_array())
    for (const auto& one : value->get_array())
      if (wanted.empty() || wanted == string_or(one, "subscriptionId", "") ||
          wanted == string_or(one, "displayName", ""))
        return account_of(one);
  return fail(
      ErrorCode::not_found,
      fmt::format("the server has no subscription '{}'; `az account show` shows it", wanted),
      "SubscriptionNotFound", "--subscription");
}

Result<json::value> account_show(Context& context) {
  return find_account(context, context.arguments().text("--subscription"));
}

// There is nothing to choose: workspaces carry their subscription. An unknown one is refused.
Result<json::value> account_set(Context& context) {
  TRY_VOID(find_account(context, context.arguments().text("--subscription")));
  return json::value(nullptr);
}

Result<json::value> configure(Context& context) {
  auto defaults = az_defaults();
  for (const auto& [key, value] : pairs(context.arguments().list("--defaults"))) {
    if (value.empty())
      defaults.erase(key);
    else
      defaults[key] = value;
  }
  const auto path = az_config_path();
  TRY_VOID(make_directories(path.parent_path(), 0700));
  const auto before = read_file(path, 1 << 20);
  TRY_VOID(write_file_atomic(path, with_az_defaults(before ? *before : "", defaults), 0600));
  return json::value(nullptr);
}

}  // namespace

std::vector<Command> az_commands() {
  const Option subscription{"--subscription,-s,-n", Kind::text, "Id or name of the subscription."};
  return {
      {"account show", "Show the subscription.", {subscription}, {"account show"}, account_show},
      {"account set",
       "Check that a subscription is there.",
       {{subscription.names, Kind::text, subscription.help, Need::required}},
       {"account set -s 00000000-0000-0000-0000-000000000000"},
       account_set},
      {"configure",
       "Keep defaults for later commands.",
       {{"--defaults,-d", Kind::list, "key=value: group, workspace_name; no value takes it away.",
         Need::required}},
       {"configure --defaults group=mygroup workspace_name=myworkspace"},
       configure},
  };
}

std::vector<Command> shell_commands() {
  return {
      {"install-az-shim",
       "Make `az ml ...` run this program: writes a link named az into a folder.",
       {{"DIR", Kind::text, "The folder; put it first in PATH.", Need::required}},
       {"install-az-shim ~/.local/slipway/bin"},
       install_az_shim},
      {"completion",
       "Print the completion script of a shell.",
       {{"SHELL", Kind::text, "Which shell.", Need::required, "bash|zsh|fish"}},
       {"completion bash > /etc/bash_completion.d/slipway"},
       completion},
  };
}

}  // namespace slipway::cli
