#include <fmt/format.h>

#include "apps/cli/shape.h"
#include "apps/cli/wait.h"
#include "base/file.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kInputBytes = 100ULL << 20;  // the router takes no more

std::string path_of(const Context& context, std::string_view rest = "") {
  return "/services/" + http::percent_encode(context.arguments().text("--name")) +
         std::string(rest);
}

Result<json::value> show(Context& context) {
  TRY(const auto service, context.get(Face::management, path_of(context, "?expand=true")));
  return shaped(context, service, shape_service);
}

Result<json::value> list(Context& context) {
  const auto& arguments = context.arguments();
  std::string target = "/services?expand=true";
  for (const auto& [option, key] : {std::pair{"--compute-type", "computeType"},
                                    {"--model-name", "modelName"},
                                    {"--model-id", "modelId"},
                                    {"--image-digest", "imageDigest"}})
    add_query(target, key, arguments.text(option));
  add_query(target, "tags", fmt::format("{}", fmt::join(arguments.list("--tag"), ",")));
  add_query(target, "properties", fmt::format("{}", fmt::join(arguments.list("--property"), ",")));
  TRY(const auto services, context.list(Face::management, target));
  return shaped(context, services, shape_service);
}

Result<json::value> remove(Context& context) {
  const auto name = context.arguments().text("--name");
  TRY(const auto started, context.call("DELETE", Face::management, path_of(context)));
  if (started.status == 204)
    return fail(
        ErrorCode::not_found,
        fmt::format("there is no service '{}'; `ml service list` shows those there are", name),
        "WebserviceNotFound", "--name");
  TRY_VOID(wait_for(context, started, {"Deleting " + name, "slipway ml service list"}));
  return json::value{{"name", name}};
}

Result<json::value> get_keys(Context& context) {
  TRY(auto keys, context.call("POST", Face::management, path_of(context, "/listkeys")));
  return std::move(keys.body);
}

Result<json::value> regen_key(Context& context) {
  const auto& arguments = context.arguments();
  const auto key = arguments.text("--key");
  json::object body{{"keyType", key[0] == 'p' || key[0] == 'P' ? "Primary" : "Secondary"}};
  if (arguments.has("--set-key")) body["keyValue"] = arguments.text("--set-key");
  TRY(const auto started,
      context.call("POST", Face::management, path_of(context, "/regenerateKeys"), body));
  const auto name = arguments.text("--name");
  TRY_VOID(wait_for(context, started,
                    {"Changing the key of " + name, "slipway ml service get-keys -n " + name}));
  return get_keys(context);
}

// Plain text: a log inside a JSON string is hard to read.
Result<json::value> get_logs(Context& context) {
  const auto& arguments = context.arguments();
  std::string target = path_of(context, "/logs");
  add_query(target, "tail", arguments.text_or("--num_lines", "5000"));
  add_query(target, "init", arguments.flag("--init") ? "True" : "False");
  TRY(const auto logs, context.get(Face::management, target));
  const auto text = string_or(logs, "content", "");
  if (arguments.has("--output") || arguments.has("--query")) return json::value(text);
  fmt::print("{}{}", text, text.empty() || text.ends_with('\n') ? "" : "\n");
  return json::value(nullptr);
}

// "@file" reads a file, "-" or "@-" standard input, anything else is the data itself.
Result<std::string> input_data(const Context& context) {
  const auto given = context.arguments().text("--input-data");
  if (given == "-" || given == "@-") return read_file("/dev/stdin", kInputBytes);
  if (!given.starts_with('@')) return given;
  return read_file(context.folder() / given.substr(1), kInputBytes);
}

Result<std::string> authorization(Context& context, const json::value& service) {
  const auto* enabled = find(service, "authEnabled");
  if (enabled == nullptr || !enabled->is_bool() || !enabled->get_bool()) return std::string();
  TRY(const auto keys, get_keys(context));
  return "Bearer " + string_or(keys, "primaryKey", "");
}

Result<json::value> run(Context& context) {
  TRY(const auto service, context.get(Face::management, path_of(context, "?expand=true")));
  const auto uri = string_or(service, "scoringUri", "");
  if (uri.empty())
    return fail(ErrorCode::unavailable, "the service has no scoring URI yet; it is " +
                                            string_or(service, "state", "not ready"));
  http::Request request{"POST", {}, {{"Content-Type", "application/json"}}, {}};
  TRY(request.body, input_data(context));
  TRY(const auto header, authorization(context, service));
  if (!header.empty()) request.headers.set("Authorization", header);
  TRY(auto* rest, context.rest());
  TRY(const auto answer, rest->send(uri, std::move(request)));
  if (answer.status != 200) {
    Error error = refusal(answer.status, answer.body);
    error.message += fmt::format("\n  `ml service get-logs -n {}` shows what the service wrote",
                                 context.arguments().text("--name"));
    return error;
  }
  auto value = parse_json(answer.body);
  return value ? std::move(*value) : json::value(answer.body);
}

}  // namespace

// clang-format off
std::vector<Command> service_commands() {
  const Option name{"--name,-n", Kind::text, "Name of the service.", Need::required};
  return {
      {"ml service show", "Show a service.", {name}, {"ml service show -n myservice", "ml service show -n myservice --query scoringUri -o tsv"}, show},
      {"ml service list", "List services, newest first.",
       {{"--compute-type,-c", Kind::text, "Only of this kind.", Need::optional, "AKS|ACI"},
        {"--model-name", Kind::text, "Only with a model of this name."},
        {"--model-id", Kind::text, "Only with this model, name:version."},
        {"--image-digest", Kind::text, "Only with this image."},
        {"--tag", Kind::list, "Only with these tags: key or key=value."},
        {"--property", Kind::list, "Only with these properties: key or key=value."}},
       {"ml service list -o table", "ml service list --query \"[?state!='Healthy'].name\""}, list},
      {"ml service delete", "Delete a service.", {name}, {"ml service delete -n myservice"}, remove},
      {"ml service get-keys", "Both keys of a service.", {name}, {"ml service get-keys -n myservice --query primaryKey -o tsv"}, get_keys},
      {"ml service regen-key", "Replace a key of a service.",
       {name,
        {"--key,-k", Kind::text, "Which key.", Need::required, "primary|secondary"},
        {"--set-key,-s", Kind::text, "The new key [made]."}},
       {"ml service regen-key -n myservice -k primary"}, regen_key},
      {"ml service get-logs", "The last lines that the replicas of a service wrote.",
       {name,
        {"--num_lines,-l,--num-lines", Kind::integer, "How many lines [5000]."},
        {"--init,-i", Kind::boolean, "Those of the start alone."}},
       {"ml service get-logs -n myservice -l 100"}, get_logs},
      {"ml service run", "Send data to a service and print its answer.",
       {name, {"--input-data,-d", Kind::text, "The body; @FILE for a file, - for standard input."}},
       {"ml service run -n myservice -d '{\"data\": [[1, 2, 3, 4]]}'", "ml service run -n myservice -d @request.json"}, run},
  };
}
// clang-format on

}  // namespace slipway::cli
