#include "http/server.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>

#include <condition_variable>
#include <mutex>
#include <unordered_map>

#include "base/log.h"
#include "http/connection.h"
#include "http/socket.h"

namespace slipway::http {
namespace {

using boost::system::error_code;
using tcp = asio::ip::tcp;
using local = asio::local::stream_protocol;
constexpr int kBacklog = 1024;

// The tasks of a server (acceptors and connections), counted over all Cores. Any thread.
class TaskCount {
 public:
  void enter() { ++count_; }
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--count_ == 0) none_.notify_all();
  }
  bool wait_none(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    return none_.wait_for(lock, timeout, [this] { return count_ == 0; });
  }

 private:
  std::atomic<std::size_t> count_{0};
  std::mutex mutex_;
  std::condition_variable none_;
};

struct Shared : ServerContext {
  TaskCount tasks;
  std::atomic<std::size_t> connections{0};
};

// The connections of one Core; touched by its thread only.
class CoreConnections : public std::enable_shared_from_this<CoreConnections> {
 public:
  CoreConnections(Core& core, std::shared_ptr<Shared> shared)
      : core_(core),
        shared_(std::move(shared)),
        watchdog_(std::make_shared<Watchdog>(core.context().get_executor())) {}
  Core& core() { return core_; }
  void serve(RawSocket socket);  // on the Core
  void close_idle() {
    for (auto& [connection, stop] : live_)
      if (connection->idle()) connection->socket().cancel();
  }
  void close_all() {
    for (auto& [connection, stop] : live_) {
      connection->socket().cancel();
      stop->emit(asio::cancellation_type::terminal);
    }
  }

 private:
  std::unique_ptr<Socket> wrap(RawSocket socket);
  Core& core_;
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Watchdog> watchdog_;
  std::unordered_map<Connection*, std::shared_ptr<asio::cancellation_signal>> live_;
};

std::unique_ptr<Socket> CoreConnections::wrap(RawSocket socket) {
  const auto& tls = shared_->options.tls;
  return tls ? make_tls_socket(std::move(socket), watchdog_, *tls)
             : make_plain_socket(std::move(socket), watchdog_);
}

void CoreConnections::serve(RawSocket socket) {
  if (shared_->draining || shared_->connections >= shared_->options.limits.connections) return;
  ++shared_->connections;
  shared_->tasks.enter();
  auto connection = std::make_shared<Connection>(shared_, wrap(std::move(socket)));
  auto stop = std::make_shared<asio::cancellation_signal>();
  live_.emplace(connection.get(), stop);
  asio::co_spawn(core_.context(), connection->run(),
                 asio::bind_cancellation_slot(stop->slot(), [self = shared_from_this(), connection,
                                                             stop](std::exception_ptr) mutable {
                   self->live_.erase(connection.get());
                   connection.reset();
                   --self->shared_->connections;
                   self->shared_->tasks.leave();
                 }));
}

// Out of descriptors or memory: the kernel keeps the backlog meanwhile.
Task<void> pause_accepting() {
  constexpr std::chrono::milliseconds kPause{100};
  asio::steady_timer timer(co_await asio::this_coro::executor, kPause);
  error_code ec;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
}

using PerCore = std::vector<std::shared_ptr<CoreConnections>>;

// Accepts for `cores` in turn; a connection's socket is born on the Core that it stays on.
template <class Acceptor>
Task<void> accept_loop(std::shared_ptr<Acceptor> acceptor, PerCore cores) {
  for (std::size_t turn = 0; acceptor->is_open(); ++turn) {
    const auto& target = cores[turn % cores.size()];
    error_code ec;
    auto socket = co_await acceptor->async_accept(target->core().context(),
                                                  asio::redirect_error(asio::use_awaitable, ec));
    if (ec == asio::error::operation_aborted) co_return;
    if (ec) {
      co_await pause_accepting();
      continue;
    }
    RawSocket raw(std::move(socket));
    if (cores.size() == 1) {
      target->serve(std::move(raw));
      continue;
    }
    asio::post(target->core().context(),
               [target, raw = std::move(raw)]() mutable { target->serve(std::move(raw)); });
  }
}

Error listen_failed(const std::string& where, const error_code& ec) {
  if (ec == asio::error::address_in_use)
    return fail(ErrorCode::conflict, fmt::format("the address {} is in use by another program; "
                                                 "stop it or choose another address",
                                                 where));
  const bool denied = ec == asio::error::access_denied;
  return fail(denied ? ErrorCode::forbidden : ErrorCode::invalid_argument,
              fmt::format("cannot listen on {}: {}", where, ec.message()));
}

Result<tcp::acceptor> bind_tcp(asio::io_context& context, const tcp::endpoint& endpoint,
                               bool share_port) {
  error_code ec;
  tcp::acceptor acceptor(context);
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  const int on = 1;
  if (!ec && share_port)
    ::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (!ec) acceptor.bind(endpoint, ec);
  // A listening probe fails where another program shares its port with all who ask.
  if (!ec) acceptor.listen(kBacklog, ec);
  if (ec) {
    const std::string host = endpoint.address().to_string();
    const auto form = endpoint.address().is_v6() ? "[{}]:{}" : "{}:{}";
    return listen_failed(fmt::format(fmt::runtime(form), host, endpoint.port()), ec);
  }
  return acceptor;
}

Result<std::string> checked_unix_path(const std::filesystem::path& path) {
  constexpr std::size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;
  if (path.string().size() > kMaxPath)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("the socket path {} is longer than {} characters", path.string(), kMaxPath));
  return path.string();
}

// A socket file that no one listens on is left over from a crash.
void remove_stale(asio::io_context& context, const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  error_code ec;
  local::socket probe(context);
  probe.connect(local::endpoint(path), ec);
  if (ec == asio::error::connection_refused) ::unlink(path.c_str());
}

Result<local::acceptor> bind_unix(asio::io_context& context, const std::string& path) {
  remove_stale(context, path);
  error_code ec;
  local::acceptor acceptor(context);
  acceptor.open(local(), ec);
  // On Linux the file gets the mode of the socket: there is no moment when others may connect.
  if (!ec) ::fchmod(acceptor.native_handle(), 0600);
  if (!ec) acceptor.bind(local::endpoint(path), ec);
  if (!ec) acceptor.listen(kBacklog, ec);
  if (ec) return listen_failed(path, ec);
  return acceptor;
}

class ServerImpl final : public Server {
 public:
  ServerImpl(Cores& cores, ServerOptions options, Handler handler)
      : shared_(std::make_shared<Shared>()) {
    shared_->options = std::move(options);
    shared_->handler = std::move(handler);
    for (auto& core : cores) cores_.push_back(std::make_shared<CoreConnections>(*core, shared_));
  }
  ~ServerImpl() override { stop(std::chrono::milliseconds{0}); }

  Result<void> listen() {
    return shared_->options.unix_path.empty() ? listen_tcp() : listen_unix();
  }
  std::uint16_t port() const override { return port_; }
  std::size_t connections() const override { return shared_->connections; }
  void stop(std::chrono::milliseconds drain) override;

 private:
  Result<void> listen_tcp();
  Result<void> listen_unix();
  template <class Acceptor>
  void start_accepting(Acceptor acceptor, PerCore targets);
  void on_each_core(void (CoreConnections::*work)());
  void wait_until_done();

  std::shared_ptr<Shared> shared_;
  PerCore cores_;
  std::vector<std::function<void()>> close_acceptors_;  // each posts to its Core
  std::uint16_t port_ = 0;
  bool stopped_ = false;
};

template <class Acceptor>
void ServerImpl::start_accepting(Acceptor acceptor, PerCore targets) {
  auto owned = std::make_shared<Acceptor>(std::move(acceptor));
  Core& core = targets.front()->core();
  close_acceptors_.push_back([&core, owned] {
    core.post([owned] {
      error_code ec;
      owned->close(ec);
    });
  });
  shared_->tasks.enter();
  asio::co_spawn(core.context(), accept_loop(owned, std::move(targets)),
                 [shared = shared_](std::exception_ptr) { shared->tasks.leave(); });
}

Result<void> ServerImpl::listen_tcp() {
  const auto& options = shared_->options;
  error_code ec;
  tcp::endpoint endpoint(asio::ip::make_address(options.address, ec), options.port);
  if (ec)
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' is not an IP address to listen on", options.address));
  if (options.port != 0) {
    TRY([[maybe_unused]] const auto probe,
        bind_tcp(cores_.front()->core().context(), endpoint, false));
  }
  std::vector<tcp::acceptor> acceptors;
  for (const auto& core : cores_) {
    TRY(auto acceptor, bind_tcp(core->core().context(), endpoint, true));
    endpoint.port(acceptor.local_endpoint(ec).port());
    acceptors.push_back(std::move(acceptor));
  }
  port_ = endpoint.port();
  for (std::size_t i = 0; i < cores_.size(); ++i)
    start_accepting(std::move(acceptors[i]), {cores_[i]});
  return {};
}

Result<void> ServerImpl::listen_unix() {
  TRY(const auto path, checked_unix_path(shared_->options.unix_path));
  TRY(auto acceptor, bind_unix(cores_.front()->core().context(), path));
  start_accepting(std::move(acceptor), cores_);
  return {};
}

void ServerImpl::on_each_core(void (CoreConnections::*work)()) {
  for (const auto& core : cores_) core->core().post([core, work] { (*core.*work)(); });
}

// Every task ends once its sockets are cancelled; a Core that no longer runs ends nothing.
void ServerImpl::wait_until_done() {
  constexpr std::chrono::milliseconds kStep{50};
  while (!shared_->tasks.wait_none(kStep)) {
    on_each_core(&CoreConnections::close_all);
    for (const auto& core : cores_)
      if (core->core().context().stopped()) return;
  }
}

void ServerImpl::stop(std::chrono::milliseconds drain) {
  if (std::exchange(stopped_, true)) return;
  shared_->draining = true;
  for (const auto& close : close_acceptors_) close();
  on_each_core(&CoreConnections::close_idle);
  if (drain.count() > 0) shared_->tasks.wait_none(drain);
  on_each_core(&CoreConnections::close_all);
  wait_until_done();
  if (port_ == 0 && !close_acceptors_.empty()) ::unlink(shared_->options.unix_path.c_str());
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(Cores& cores, ServerOptions options,
                                              Handler handler) {
  CHECK(!cores.empty(), "a server needs a Core");
  auto server = std::make_unique<ServerImpl>(cores, std::move(options), std::move(handler));
  TRY_VOID(server->listen());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace slipway::http
