#include "apps/model_server_main.h"

#include <fcntl.h>

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "modelserver/modelserver.h"

namespace slipway::apps {
namespace {

namespace fs = std::filesystem;
using modelserver::Bundle;
using modelserver::BundleKind;

constexpr const char* kExamples = R"(
Serves one model version: GET / (health), POST /score, GET /swagger.json, GET /ready.

The folder holds either a bundle.json, or exactly one .onnx file, or an entry script score.py or
main.py with init() and run() beside the model's files. Options override what bundle.json says.

Examples:
  slipway model-server --model ./digits                        # a folder with digits.onnx
  slipway model-server --model ./ridge --python venv/bin/python --port 8080
  slipway model-server --model ./bundle --unix-socket /run/model.sock
  curl -s -d '{"data": [[5.1, 3.5, 1.4, 0.2]]}' http://127.0.0.1:5001/score

Exit status: 0 after SIGTERM, 1 for wrong options, 3 when the model or its script cannot start.)";

// What was given on the command line; absent values leave the bundle's own.
struct Arguments {
  std::string model;
  modelserver::ServeOptions serve;
  std::optional<std::string> entry_script, python, service_name, path_prefix;
  std::optional<std::int64_t> workers, scoring_timeout_ms, request_body_bytes;
  std::optional<double> cpu;
};

void add_listening(CLI::App& app, Arguments& arguments) {
  auto* socket = app.add_option("--unix-socket", arguments.serve.unix_socket,
                                "Listen on this Unix socket instead of a TCP port");
  app.add_option("--port", arguments.serve.port, "TCP port; 0 takes a free one")
      ->capture_default_str()
      ->excludes(socket);
  app.add_option("--address", arguments.serve.address, "Address to listen on")
      ->capture_default_str()
      ->excludes(socket);
}

void add_model(CLI::App& app, Arguments& arguments) {
  app.add_option("--model", arguments.model, "Folder of the model version to serve")->required();
  app.add_option("--entry-script", arguments.entry_script,
                 "Python script with init() and run(), relative to the source directory");
  app.add_option("--python", arguments.python, "Interpreter for the entry script; default python3");
  app.add_option("--service-name", arguments.service_name, "Name shown in swagger.json");
  app.add_option("--path-prefix", arguments.path_prefix,
                 "Prefix of the routes, such as /api/v1/service/NAME");
}

void add_limits(CLI::App& app, Arguments& arguments) {
  app.add_option("--workers", arguments.workers,
                 "Python processes; each runs one request at a time");
  app.add_option("--scoring-timeout-ms", arguments.scoring_timeout_ms,
                 "Longest run of one request in milliseconds; default 60000");
  app.add_option("--cpu", arguments.cpu, "Cores to use; sets the threads of numeric libraries");
  app.add_option("--max-request-bytes", arguments.request_body_bytes,
                 "Largest request body in bytes; default 104857600");
}

void override_bundle(const Arguments& arguments, Bundle& bundle) {
  const auto set = [](const auto& given, auto& value) {
    if (given) value = *given;
  };
  if (arguments.entry_script) bundle.kind = BundleKind::python;
  set(arguments.entry_script, bundle.entry_script);
  // A path given on the command line is relative to where the user stands, not to the bundle.
  if (arguments.python && arguments.python->find('/') != std::string::npos)
    bundle.python = fs::absolute(*arguments.python);
  else
    set(arguments.python, bundle.python);
  set(arguments.service_name, bundle.service_name);
  set(arguments.path_prefix, bundle.path_prefix);
  set(arguments.workers, bundle.workers);
  set(arguments.scoring_timeout_ms, bundle.scoring_timeout_ms);
  set(arguments.cpu, bundle.cpu);
  set(arguments.request_body_bytes, bundle.request_body_bytes);
}

Result<Bundle> choose_bundle(const Arguments& arguments, const fs::path& folder) {
  auto bundle = modelserver::load_bundle(folder);
  if (!bundle && arguments.entry_script && fs::is_directory(folder)) {
    Bundle desk;
    desk.source_directory = ".";
    desk.models.push_back({"model", 1, "."});
    bundle = std::move(desk);
  }
  if (!bundle) return bundle;
  override_bundle(arguments, *bundle);
  TRY_VOID(modelserver::check(*bundle));
  return bundle;
}

// The descriptor is for us alone: workers must not keep it open.
int ready_descriptor() {
  const char* text = std::getenv("SLIPWAY_READY_FD");
  if (text == nullptr) return -1;
  const int fd = std::atoi(text);
  return ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? fd : -1;
}

}  // namespace

int model_server_main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Serve one model version over HTTP.", "slipway model-server");
  app.footer(kExamples);
  add_model(app, arguments);
  add_listening(app, arguments);
  add_limits(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : modelserver::kUsage;
  }
  auto& serve = arguments.serve;
  serve.ready_fd = ready_descriptor();
  serve.folder = fs::absolute(arguments.model).lexically_normal();
  auto bundle = choose_bundle(arguments, serve.folder);
  if (!bundle) return modelserver::refuse(serve.ready_fd, bundle.error());
  serve.bundle = std::move(*bundle);
  return modelserver::serve(serve);
}

}  // namespace slipway::apps
