#include "modelserver/serve.h"

#include <fmt/core.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <future>

#include "base/executor.h"
#include "base/file.h"
#include "http/http.h"
#include "modelserver/onnx_backend.h"
#include "modelserver/output.h"
#include "modelserver/python_backend.h"
#include "modelserver/runtime_files.h"
#include "modelserver/service.h"

namespace slipway::modelserver {
namespace {

constexpr std::chrono::milliseconds kDrain{25'000};

// SIGTERM and SIGINT ask for an end; SIGUSR1 is our own call that the start failed.
sigset_t block_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return set;
}

// Tells whoever started us, within the moment, how the start went.
void notify(Fd& fd, const json::object& message) {
  if (!fd.valid()) return;
  const std::string line = json::serialize(message) + "\n";
  [[maybe_unused]] const auto written = ::write(fd.get(), line.data(), line.size());
  fd.reset();
}

void report_failure(Fd& fd, const StartFailure& failure) {
  output::error(fmt::format("{}: {}", failure.reason, failure.message));
  notify(fd, {{"ready", false},
              {"reason", failure.reason},
              {"message", failure.message},
              {"log_tail", failure.log_tail}});
}

StartFailure as_failure(const Error& error) {
  return {error.reason.empty() ? "ModelServerStartFailed" : error.reason, error.message, ""};
}

Result<std::unique_ptr<Backend>> make_backend(asio::io_context& context,
                                              const ServeOptions& options) {
  if (options.bundle.kind == BundleKind::onnx)
    return make_onnx_backend(context, options.bundle, options.folder);
  TRY(const auto runtime, runtime_directory());
  return make_python_backend(context, options.bundle, options.folder, runtime);
}

std::string cors_origins(const Bundle& bundle) {
  const auto& variables = bundle.environment_variables;
  if (const auto it = variables.find("AML_CORS_ORIGINS"); it != variables.end()) return it->second;
  const char* value = std::getenv("AML_CORS_ORIGINS");
  return value == nullptr ? "" : value;
}

http::ServerOptions server_options(const ServeOptions& options) {
  http::ServerOptions out;
  out.address = options.address;
  out.port = options.port;
  out.unix_path = options.unix_socket;
  out.limits.body_bytes = static_cast<std::uint64_t>(options.bundle.request_body_bytes);
  out.error_body = protocol_error;
  return out;
}

void banner(const ServeOptions& options, std::uint16_t port) {
  const auto& bundle = options.bundle;
  const bool python = bundle.kind == BundleKind::python;
  const auto where = options.unix_socket.empty()
                         ? fmt::format("http://{}:{}", options.address, port)
                         : options.unix_socket.string();
  output::info(fmt::format("slipway model-server {} of service {} {}", SLIPWAY_VERSION,
                           bundle.service_name, bundle.service_version));
  output::info(fmt::format("Settings: kind {}, {} {}, workers {}, scoring timeout {} ms",
                           python ? "python" : "onnx", python ? "entry script" : "model",
                           python ? bundle.entry_script : bundle.onnx_file, bundle.workers,
                           bundle.scoring_timeout_ms));
  output::info(
      fmt::format("Listening on {}; routes: GET / · GET, POST, OPTIONS /score · "
                  "GET /swagger.json · GET /ready",
                  where));
}

// The parts of a running server, torn down in the order that their references need.
struct Running {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Service> service;
  std::unique_ptr<http::Server> server;
  Fd ready;
  bool failed = false;  // written on the Core before SIGUSR1
};

void started(Running& running, std::optional<StartFailure> failure) {
  if (failure) {
    running.failed = true;
    report_failure(running.ready, *failure);
    ::kill(::getpid(), SIGUSR1);
    return;
  }
  running.service->publish_swagger();
  ::malloc_trim(0);  // loading leaves free pages behind that nothing will use again
  output::info("Ready for serving traffic");
  notify(running.ready, {{"ready", true}});
}

Result<void> open(Running& running, Cores& cores, const ServeOptions& options) {
  auto& context = cores.front()->context();
  TRY(running.backend, make_backend(context, options));
  running.service = std::make_unique<Service>(
      context, Service::Options{&options.bundle, options.folder, cors_origins(options.bundle)},
      *running.backend);
  TRY(running.server,
      http::Server::start(cores, server_options(options),
                          [service = running.service.get()](http::Exchange& exchange) {
                            return service->handle(exchange);
                          }));
  banner(options, running.server->port());
  cores.front()->post([&running] {
    running.backend->start(
        [&running](std::optional<StartFailure> failure) { started(running, std::move(failure)); });
  });
  return {};
}

void run_on_core(Core& core, const std::function<void(std::promise<void>&)>& work) {
  std::promise<void> done;
  core.post([&] { work(done); });
  done.get_future().wait();
}

// What lives on the Core is destroyed there.
void close(Running& running, Core& core) {
  if (running.server) running.server->stop(running.failed ? std::chrono::milliseconds(0) : kDrain);
  if (running.backend)
    run_on_core(core, [&](auto& done) { running.backend->stop([&done] { done.set_value(); }); });
  run_on_core(core, [&](auto& done) {
    output::flush();
    running.service.reset();
    running.backend.reset();
    done.set_value();
  });
  running.server.reset();
}

}  // namespace

int serve(const ServeOptions& options) {
  const sigset_t signals = block_signals();
  Running running;
  running.ready.reset(options.ready_fd);
  auto cores = make_cores(1, "modelserver");
  if (const auto opened = open(running, cores, options); !opened) {
    report_failure(running.ready, as_failure(opened.error()));
    running.failed = true;
    close(running, *cores.front());
    return kCouldNotStart;
  }
  int signal = 0;
  ::sigwait(&signals, &signal);
  if (signal != SIGUSR1) output::info("Shutting down");
  close(running, *cores.front());
  return running.failed ? kCouldNotStart : kStopped;
}

int refuse(int ready_fd, const Error& error) {
  Fd fd(ready_fd);
  report_failure(fd, as_failure(error));
  return kCouldNotStart;
}

}  // namespace slipway::modelserver
