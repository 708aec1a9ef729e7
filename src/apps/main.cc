// The program: one binary for the daemon, the model server and the command line.
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <map>
#include <string_view>

#include "apps/cli/cli.h"
#include "apps/model_server_main.h"
#include "apps/options.h"

namespace {

using slipway::apps::UpOptions;
using slipway::compute::EnvironmentPolicy;

constexpr const char* kFooter =
    "Also:\n"
    "  slipway ml ...                 workspaces, models, targets, environments, services\n"
    "  slipway model-server ...       serve one model, alone\n"
    "  slipway install-az-shim DIR    make `az ml ...` run this program\n"
    "  slipway completion SHELL       completion for bash, zsh or fish\n"
    "\nExamples:\n"
    "  slipway up --background && eval \"$(slipway env)\"\n"
    "  slipway ml model register -n iris -p model.onnx --model-framework Onnx\n";

void add_data_dir(CLI::App* command, std::filesystem::path* target) {
  command
      ->add_option("--data-dir", *target,
                   "Where the state lies [$SLIPWAY_DATA_DIR, else ~/.local/share/slipway]")
      ->capture_default_str();
}

void add_up(CLI::App& app, UpOptions& options) {
  auto* up = app.add_subcommand("up", "Start the server: control plane, router and local compute");
  add_data_dir(up, &options.data_dir);
  up->add_option("--listen", options.listen, "ADDRESS:PORT of management; port 0 for a free one")
      ->take_last()
      ->capture_default_str();
  up->add_option("--scoring-listen", options.scoring_listen, "ADDRESS:PORT of scoring")
      ->take_last()
      ->capture_default_str();
  up->add_flag("--background", options.background,
               "Return once it is ready; log to DATA_DIR/daemon.log");
  up->add_flag("--log-json", options.json_log, "Log lines as JSON");
  const std::map<std::string, EnvironmentPolicy> policies{{"exact", EnvironmentPolicy::exact},
                                                          {"nearest", EnvironmentPolicy::nearest}};
  up->add_option("--environment-policy", options.environment_policy,
                 "exact: refuse what cannot be had; nearest: take the nearest version and say so")
      ->transform(CLI::CheckedTransformer(policies))
      ->capture_default_str();
  up->footer(
      "Examples:\n  slipway up\n  slipway up --background --data-dir /srv/slipway\n"
      "  slipway up --listen 127.0.0.1:0 --scoring-listen 0.0.0.0:9443\n");
}

// Commands that have a parser of their own are handed the rest of the line.
int dispatch(int argc, char** argv, bool& done) {
  done = true;
  const std::string program = std::filesystem::path(argv[0]).filename();
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (program == "az" || first == "ml" || first == "completion" || first == "install-az-shim")
    return slipway::cli::cli_main(argc, argv);
  if (first == "model-server") return slipway::apps::model_server_main(argc - 1, argv + 1);
  done = false;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  bool done = false;
  if (const int code = dispatch(argc, argv, done); done) return code;

  CLI::App app{"Slipway puts a trained model behind a fast, safe HTTPS endpoint.", "slipway"};
  app.set_version_flag("--version", std::string("slipway ") + SLIPWAY_VERSION);
  app.require_subcommand(1);
  app.footer(kFooter);
  UpOptions options{.data_dir = slipway::apps::default_data_dir()};
  int timeout_seconds = 60;
  std::string output = "table";
  std::string shell = "bash";
  add_up(app, options);
  auto* down = app.add_subcommand("down", "Stop the server and its replicas");
  add_data_dir(down, &options.data_dir);
  down->add_option("--timeout", timeout_seconds, "Seconds to wait for it")->capture_default_str();
  auto* status = app.add_subcommand(
      "status", "Show whether it runs, where, and what it holds; exit code 3 when it does not");
  add_data_dir(status, &options.data_dir);
  status->add_option("-o,--output", output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  auto* env =
      app.add_subcommand("env", "Print what a shell exports so that SDK and CLI find the server");
  add_data_dir(env, &options.data_dir);
  env->add_option("--shell", shell, "bash, zsh or fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->capture_default_str();
  env->footer("Example:\n  eval \"$(slipway env)\"\n");
  CLI11_PARSE(app, argc, argv);

  options.data_dir = std::filesystem::absolute(options.data_dir);
  if (down->parsed()) return slipway::apps::down(options.data_dir, timeout_seconds);
  if (status->parsed()) return slipway::apps::status(options.data_dir, output);
  if (env->parsed()) return slipway::apps::print_environment(options.data_dir, shell);
  return slipway::apps::up(options);
}
