#include "apps/daemon.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/file.h"
#include "base/log.h"
#include "modelserver/modelserver.h"

namespace slipway::apps {
namespace {

constexpr std::size_t kApiThreads = 8;
constexpr std::size_t kApiQueue = 1024;
constexpr std::chrono::seconds kDrain{5};
constexpr TimeMs kRenewBeforeMs = 30LL * 24 * 3600 * 1000;
const store::Key kServerKey{"server", "", "tls"};

std::string url_of(const Listen& listen, std::uint16_t port) {
  std::string host = listen.address;
  if (host == "0.0.0.0" || host == "::") host = "127.0.0.1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return fmt::format("https://{}:{}", host, port);
}

// The authorities that this machine trusts, so that clients with our bundle reach other hosts too.
std::string system_authorities() {
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/cert.pem"})
    if (auto text = read_file(path)) return std::move(*text);
  return {};
}

std::vector<std::string> certificate_names(const UpOptions& options) {
  std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) == 0 && host[0] != '\0') names.emplace_back(host);
  for (const auto& text : {options.listen, options.scoring_listen})
    if (auto listen = parse_listen(text, "127.0.0.1");
        listen && listen->address != "0.0.0.0" && listen->address != "::")
      names.push_back(listen->address);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<void> make_authority_once(store::Store& store) {
  TRY(auto known, store.get_secret(kServerKey, "authority_key"));
  if (known) return {};
  TRY(auto made, http::make_authority("Slipway local authority", system_clock()));
  return store.write([&](store::Transaction& tx) -> Result<void> {
    TRY_VOID(tx.put_secret(kServerKey, "authority_certificate", made.certificate_pem));
    return tx.put_secret(kServerKey, "authority_key", made.key_pem);
  });
}

Result<std::string> secret(store::Store& store, std::string_view name) {
  TRY(auto value, store.get_secret(kServerKey, name));
  return value.value_or("");
}

// A certificate that still fits: not about to expire, and for the names we listen on.
Result<bool> certificate_fits(store::Store& store, const std::string& names) {
  TRY(const auto known_names, secret(store, "names"));
  TRY(const auto certificate, secret(store, "certificate"));
  if (certificate.empty() || known_names != names) return false;
  TRY(const auto until, http::expiry(certificate));
  return until - system_clock().now_ms() > kRenewBeforeMs;
}

Result<void> issue_once(store::Store& store, const UpOptions& options) {
  const auto list = certificate_names(options);
  std::string names;
  for (const auto& name : list) names += name + "\n";
  TRY(const bool fits, certificate_fits(store, names));
  if (fits) return {};
  http::CertificateAndKey authority;
  TRY(authority.certificate_pem, secret(store, "authority_certificate"));
  TRY(authority.key_pem, secret(store, "authority_key"));
  TRY(auto made, http::issue_certificate(authority, list, system_clock()));
  return store.write([&](store::Transaction& tx) -> Result<void> {
    TRY_VOID(tx.put_secret(kServerKey, "names", names));
    TRY_VOID(tx.put_secret(kServerKey, "certificate", made.certificate_pem));
    return tx.put_secret(kServerKey, "key", made.key_pem);
  });
}

Result<void> write_if_changed(const std::filesystem::path& path, const std::string& content,
                              int mode) {
  if (auto now = read_file(path); now && *now == content) return {};
  return write_file_atomic(path, content, mode);
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::start(const UpOptions& options) {
  std::unique_ptr<Daemon> daemon(new Daemon(options));
  TRY_VOID(daemon->open_state());
  TRY_VOID(daemon->prepare_tls());
  TRY_VOID(daemon->start_router());
  TRY_VOID(daemon->start_control());
  TRY_VOID(daemon->start_api());
  TRY_VOID(daemon->write_down());
  return daemon;
}

Result<void> Daemon::open_state() {
  const auto& dir = options_.data_dir;
  TRY_VOID(make_directories(dir, 0700));
  // Before any thread runs. Replicas may read the runtime but not write it, so it is laid out here.
  ::setenv("SLIPWAY_RUNTIME_DIR", (dir / "runtime").c_str(), 1);
  TRY(store_, store::Store::open({.directory = dir}));
  TRY(artifacts_, artifacts::Artifacts::open(dir / "artifacts", system_clock()));
  TRY(const auto runtime, modelserver::runtime_directory());
  log::debug("apps", "runtime laid out", {{"folder", runtime.string()}});
  return {};
}

Result<void> Daemon::prepare_tls() {
  TRY_VOID(make_authority_once(*store_));
  TRY_VOID(issue_once(*store_, options_));
  TRY(const auto authority, secret(*store_, "authority_certificate"));
  TRY(const auto certificate, secret(*store_, "certificate"));
  TRY(const auto key, secret(*store_, "key"));
  file_.ca = options_.data_dir / "ca.pem";
  file_.ca_bundle = options_.data_dir / "ca-bundle.pem";
  TRY_VOID(write_if_changed(file_.ca, authority, 0644));
  TRY_VOID(write_if_changed(file_.ca_bundle, system_authorities() + authority, 0644));
  TRY(tls_, http::make_server_context(certificate, key));
  return {};
}

Result<void> Daemon::start_router() {
  TRY(const auto listen, parse_listen(options_.scoring_listen, "127.0.0.1"));
  router_ = router::Router::create({.verify_token = {}, .clock = &system_clock()});
  scoring_cores_ = make_cores(std::max(1U, std::thread::hardware_concurrency()), "scoring");
  http::ServerOptions options{.address = listen.address, .port = listen.port, .tls = tls_};
  options.error_body = router::listener_error;
  TRY(scoring_, http::Server::start(scoring_cores_, std::move(options), router_->handler()));
  file_.scoring = url_of(listen, scoring_->port());
  return {};
}

Result<void> Daemon::start_control() {
  const auto& dir = options_.data_dir;
  compute::LocalDriverOptions local{.directory = dir / "replicas",
                                    .program = std::filesystem::read_symlink("/proc/self/exe"),
                                    .runtime = dir / "runtime"};
  // ONNX Runtime may be a link out of the folder beside the program.
  const auto library = local.program.parent_path().parent_path() / "lib/libonnxruntime.so.1";
  local.readable = {dir / "environments", std::filesystem::weakly_canonical(library).parent_path()};
  local.clock = &system_clock();
  TRY(driver_, compute::make_local_driver(local));
  TRY(environments_, compute::EnvironmentBuilder::open({.directory = dir / "environments",
                                                        .policy = options_.environment_policy,
                                                        .clock = &system_clock()}));
  control::Options options{.store = store_.get(),
                           .artifacts = artifacts_.get(),
                           .driver = driver_.get(),
                           .environments = environments_.get(),
                           .bundles = dir / "bundles"};
  options.publish = [this](resources::RouteTablePtr table) { router_->publish(std::move(table)); };
  options.in_flight = [this](const std::string& id) { return router_->in_flight(id); };
  options.clock = &system_clock();
  TRY(control_, control::Control::start(options));
  return {};
}

Result<void> Daemon::start_api() {
  TRY(const auto listen, parse_listen(options_.listen, "127.0.0.1"));
  pool_ = std::make_unique<WorkPool>("api", kApiThreads, kApiQueue);
  api::Options options{.store = store_.get(), .artifacts = artifacts_.get(), .pool = pool_.get()};
  options.clock = &system_clock();
  options.scoring_url = file_.scoring;
  options.service_logs = [this](const std::string& workspace, const std::string& service,
                                std::size_t lines) {
    return control_->service_logs(workspace, service, lines);
  };
  options.true_capacity = [this] { return driver_->true_capacity(); };
  TRY(api_, api::Api::create(options));
  TRY_VOID(keep_owner_token());
  management_cores_ = make_cores(1, "management");
  http::ServerOptions server{.address = listen.address, .port = listen.port, .tls = tls_};
  server.limits.body_bytes = 1ULL << 40;  // models; JSON bodies have their own bound in api
  TRY(management_, http::Server::start(management_cores_, std::move(server), api_->handler()));
  file_.management = url_of(listen, management_->port());
  file_.msi = file_.management + api_->bootstrap().msi_path;
  return {};
}

Result<void> Daemon::keep_owner_token() {
  file_.token_file = options_.data_dir / "owner.token";
  const auto& token = api_->bootstrap().owner_token;
  return token.empty() ? Result<void>() : write_file_atomic(file_.token_file, token + "\n", 0600);
}

Result<void> Daemon::write_down() {
  // A cloud description that an older address left behind would send clients astray.
  std::error_code ignored;
  std::filesystem::remove(options_.data_dir / "azure" / "cloudEndpoints.json", ignored);
  file_.pid = ::getpid();
  file_.version = SLIPWAY_VERSION;
  const auto path = daemon_file_path(options_.data_dir);
  TRY_VOID(make_directories(path.parent_path(), 0700));
  return write_file_atomic(path, pretty_json(to_json(file_)) + "\n", 0600);
}

Daemon::~Daemon() {
  std::error_code ignored;
  std::filesystem::remove(daemon_file_path(options_.data_dir), ignored);
  if (management_) management_->stop(kDrain);
  control_.reset();
  if (scoring_) scoring_->stop(kDrain);
  management_.reset();
  scoring_.reset();
  router_.reset();  // its connections live on the scoring Cores, which end before the other members
}

}  // namespace slipway::apps
