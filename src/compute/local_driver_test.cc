// LocalDriver against real processes: a shell script plays the model server.
#include "compute/local_driver.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>

#include "base/crypto.h"

namespace slipway::compute {
namespace {
namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr auto kPatience = std::chrono::seconds(20);

constexpr std::string_view kScript = R"(#!/bin/sh
ready() { echo '{"ready":true}' >&3; exec 3>&-; }
case "$MODE" in
  ready) echo started; ready; exec sleep 600 ;;
  refuse) echo '{"ready":false,"reason":"UserScriptInitFailed","message":"init() raised",'\
    '"log_tail":"ValueError: 7"}' >&3; exit 3 ;;
  crash) echo 'one last word'; exit 9 ;;
  stubborn) trap '' TERM; ready; while :; do sleep 600; done ;;
  family) setsid sleep 601 & echo "grandchild $!"; ready; exec sleep 600 ;;
  greedy) ready; exec awk 'BEGIN { s = "0123456789"; while (1) s = s s }' ;;
  look) env | sort; ls -l /proc/self/fd | wc -l; umask; grep CapEff /proc/self/status
        cat "$SECRET" 2>&1; echo kept > "$HOME/file" && echo home-writable; ready; exec sleep 600 ;;
  talk) i=0; dots=........................................................................
    while [ $i -lt 70000 ]; do echo "line $i $dots"; i=$((i+1)); done; ready; exec sleep 600 ;;
esac
)";

struct Folder {
  Folder() : path(fs::temp_directory_path() / ("slipway-compute-" + random_hex(4))) {
    fs::create_directories(path / "data");
    fs::create_directories(path / "bundle");
    fs::create_directories(path / "program");
    std::ofstream(path / "program/fake") << kScript;
    fs::permissions(path / "program/fake", fs::perms::owner_all);
  }
  ~Folder() { fs::remove_all(path); }
  LocalDriverOptions options() const {
    return {path / "data/replicas", path / "program/fake", path / "program", {}, nullptr};
  }
  fs::path path;
};

class LocalDriverTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override { driver_.reset(); }  // its thread uses what stands below
  void open() {
    auto made = make_local_driver(folder_.options());
    ASSERT_TRUE(made) << made.error().message;
    driver_ = std::move(*made);
    driver_->on_change([this](const std::string&, const std::string&) {
      const std::lock_guard lock(mutex_);
      ++changes_;
      changed_.notify_all();
    });
  }
  ReplicaSpec spec(const std::string& id, const std::string& mode) const {
    ReplicaSpec out;
    out.id = id;
    out.workspace = "w";
    out.service = id.substr(0, id.find('-'));
    out.revision = 1;
    out.bundle = folder_.path / "bundle";
    out.environment_variables = {{"MODE", mode}, {"LD_PRELOAD", "/nothing.so"}};
    return out;
  }
  std::optional<ReplicaStatus> status(const std::string& id) {
    for (auto& each : driver_->observe())
      if (each.id == id) return each;
    return {};
  }
  // Waits for the driver's own notices; never polls.
  template <class Done>
  bool wait(Done done) {
    std::unique_lock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      const auto seen = changes_;
      lock.unlock();
      if (done()) return true;
      lock.lock();
      if (!changed_.wait_until(lock, deadline, [&] { return changes_ != seen; })) return false;
    }
  }
  bool wait_state(const std::string& id, ReplicaState state) {
    return wait([&] { return status(id) && status(id)->state == state; });
  }
  ReplicaStatus run_to(const std::string& mode, ReplicaState state,
                       const std::string& id = "a-1-000001") {
    EXPECT_TRUE(driver_->start(spec(id, mode)));
    EXPECT_TRUE(wait_state(id, state));
    return status(id).value_or(ReplicaStatus{});
  }

  Folder folder_;
  std::unique_ptr<Driver> driver_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t changes_ = 0;
};

// Waits until a process that is not our child is gone.
bool gone(pid_t pid) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
    if (!stat || stat->find(") Z ") != std::string::npos) return true;
    ::usleep(2000);
  }
  return false;
}

TEST_F(LocalDriverTest, BecomesReadyAndStops) {
  const auto ready = run_to("ready", ReplicaState::ready);
  EXPECT_GT(ready.pid, 0);
  EXPECT_TRUE(ready.address.unix_path.ends_with("/s"));
  EXPECT_LT(ready.address.unix_path.size(), 108U);
  EXPECT_EQ(driver_->logs("a-1-000001", 5).value_or(""), "started\n");
  EXPECT_TRUE(driver_->start(spec("a-1-000001", "ready")));  // the same id again is no second one
  EXPECT_EQ(driver_->observe("w", "a").size(), 1U);
  ASSERT_TRUE(driver_->stop("a-1-000001", milliseconds(5000)));
  EXPECT_TRUE(wait([&] { return driver_->observe().empty(); }));
  EXPECT_TRUE(gone(static_cast<pid_t>(ready.pid)));
  EXPECT_EQ(driver_->ended("w", "a"), std::vector<std::string>{"a-1-000001"});
  EXPECT_EQ(driver_->logs("a-1-000001", 5).value_or(""), "started\n");
  EXPECT_FALSE(fs::exists(folder_.path / "data/replicas/a-1-000001"));
  EXPECT_TRUE(driver_->stop("a-1-000001", milliseconds(0)));
}

TEST_F(LocalDriverTest, TellsWhyItFailed) {
  const auto failed = run_to("refuse", ReplicaState::failed);
  EXPECT_EQ(failed.reason, "UserScriptInitFailed");
  EXPECT_EQ(failed.message, "init() raised\nValueError: 7");
}

TEST_F(LocalDriverTest, TellsHowItEnded) {
  const auto ended = run_to("crash", ReplicaState::exited);
  EXPECT_EQ(ended.reason, "ExitCode");
  EXPECT_NE(ended.message.find("status 9"), std::string::npos) << ended.message;
  EXPECT_NE(ended.message.find("one last word"), std::string::npos) << ended.message;
}

TEST_F(LocalDriverTest, KilledReplicaIsSeen) {
  const auto ready = run_to("ready", ReplicaState::ready);
  ::kill(static_cast<pid_t>(ready.pid), SIGKILL);
  ASSERT_TRUE(wait_state("a-1-000001", ReplicaState::exited));
  EXPECT_EQ(status("a-1-000001")->reason, "Killed");
}

TEST_F(LocalDriverTest, EndsOneThatIgnoresSigterm) {
  const auto ready = run_to("stubborn", ReplicaState::ready);
  ASSERT_TRUE(driver_->stop("a-1-000001", milliseconds(50)));
  EXPECT_TRUE(wait([&] { return driver_->observe().empty(); }));
  EXPECT_TRUE(gone(static_cast<pid_t>(ready.pid)));
}

TEST_F(LocalDriverTest, ProgramThatIsNotThere) {
  auto options = folder_.options();
  options.directory = folder_.path / "data/other";
  options.program = folder_.path / "nothing";
  driver_ = std::move(*make_local_driver(options));
  ASSERT_TRUE(driver_->start(spec("a-1-000001", "ready")));
  for (int i = 0; i < 2000 && status("a-1-000001")->state == ReplicaState::starting; ++i)
    ::usleep(1000);
  EXPECT_EQ(status("a-1-000001")->reason, "StartFailed");
  EXPECT_NE(status("a-1-000001")->message.find("No such file"), std::string::npos);
}

TEST_F(LocalDriverTest, InheritsNothing) {
  const fs::path secret = folder_.path / "data/slipway.key";
  std::ofstream(secret) << "the-key";
  auto look = spec("a-1-000001", "look");
  look.environment_variables["SECRET"] = secret;
  ::setenv("SLIPWAY_TEST_SECRET", "inherited-secret", 1);
  ASSERT_TRUE(driver_->start(look));
  ASSERT_TRUE(wait_state(look.id, ReplicaState::ready));
  const std::string output = driver_->logs(look.id, 100).value_or("");
  EXPECT_EQ(output.find("inherited-secret"), std::string::npos) << output;
  EXPECT_EQ(output.find("LD_PRELOAD"), std::string::npos) << output;
  EXPECT_EQ(output.find("the-key"), std::string::npos) << output;
  EXPECT_NE(output.find("MODE=look"), std::string::npos) << output;
  EXPECT_NE(output.find("home-writable"), std::string::npos) << output;
  EXPECT_NE(output.find("0077"), std::string::npos) << output;
  EXPECT_NE(output.find("0000000000000000"), std::string::npos) << output;
}

TEST_F(LocalDriverTest, KeepsTheEndOfALongLog) {
  run_to("talk", ReplicaState::ready);
  const std::string output = driver_->logs("a-1-000001", 2).value_or("");
  EXPECT_TRUE(output.starts_with("line 69998 ")) << output.substr(0, 80);
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(folder_.path / "data/replicas/a-1-000001"))
    if (entry.path().extension() == ".log") bytes += entry.file_size();
  EXPECT_LE(bytes, ReplicaLog::kParts * ReplicaLog::kPartBytes);
}

TEST_F(LocalDriverTest, MemoryLimitEndsItAlone) {
  const auto neighbour = run_to("ready", ReplicaState::ready, "b-1-000001");
  if (neighbour.limits == "rlimit") GTEST_SKIP() << "no control group can be written here";
  auto greedy = spec("a-1-000001", "greedy");
  greedy.resources.memory_gb = 0.0625;
  ASSERT_TRUE(driver_->start(greedy));
  ASSERT_TRUE(wait_state(greedy.id, ReplicaState::exited));
  EXPECT_EQ(status(greedy.id)->reason, "OutOfMemory");
  EXPECT_NE(status(greedy.id)->message.find("limit 64 MiB"), std::string::npos)
      << status(greedy.id)->message;
  EXPECT_EQ(status("b-1-000001")->state, ReplicaState::ready);
}

pid_t grandchild_of(Driver& driver, const std::string& id) {
  const std::string log = driver.logs(id, 1).value_or("");
  return static_cast<pid_t>(
      std::strtol(log.c_str() + std::string_view("grandchild ").size(), nullptr, 10));
}

TEST_F(LocalDriverTest, EndsGrandchildrenInSessionsOfTheirOwn) {
  const auto ready = run_to("family", ReplicaState::ready);
  if (ready.limits == "rlimit") GTEST_SKIP() << "no control group can be written here";
  const pid_t grandchild = grandchild_of(*driver_, "a-1-000001");
  ASSERT_GT(grandchild, 1);
  ASSERT_TRUE(driver_->stop("a-1-000001", milliseconds(5000)));
  EXPECT_TRUE(gone(grandchild));
}

// A daemon that is killed: the kernel ends its replicas, the next daemon ends what they had forked.
TEST_F(LocalDriverTest, SweepsAfterACrash) {
  driver_.reset();
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    open();
    const auto ready = run_to("family", ReplicaState::ready);
    const pid_t pids[2] = {static_cast<pid_t>(ready.pid), grandchild_of(*driver_, ready.id)};
    [[maybe_unused]] const auto n = ::write(pipe_fds[1], pids, sizeof pids);
    for (;;) ::pause();
  }
  pid_t pids[2] = {0, 0};
  ASSERT_EQ(::read(pipe_fds[0], pids, sizeof pids), static_cast<ssize_t>(sizeof pids));
  ::kill(daemon, SIGKILL);
  ::waitpid(daemon, nullptr, 0);
  EXPECT_TRUE(gone(pids[0]));
  open();
  EXPECT_TRUE(driver_->observe().empty());
  EXPECT_FALSE(fs::exists(folder_.path / "data/replicas/a-1-000001"));
  if (Limits::detect("probe").groups()) {
    EXPECT_TRUE(gone(pids[1]));
  }
}

TEST_F(LocalDriverTest, DestructionEndsAll) {
  const auto a = run_to("ready", ReplicaState::ready, "a-1-000001");
  const auto b = run_to("stubborn", ReplicaState::ready, "b-1-000001");
  driver_.reset();
  EXPECT_TRUE(gone(static_cast<pid_t>(a.pid)));
  EXPECT_TRUE(gone(static_cast<pid_t>(b.pid)));
  const std::string instance = sha256_hex(folder_.options().directory.string()).substr(0, 12);
  EXPECT_FALSE(fs::exists(fs::path("/sys/fs/cgroup/memory/slipway") / instance));
}

TEST(Readiness, Lines) {
  const struct {
    const char* line;
    bool parses;
    bool ready;
    const char* reason;
  } rows[] = {
      {R"({"ready":true})", true, true, ""},
      {R"({"ready":false,"reason":"R","message":"m"})", true, false, "R"},
      {R"({"ready":false})", true, false, "ModelServerFailed"},
      {R"({"ready":"yes"})", false, false, ""},
      {"ready", false, false, ""},
      {"[]", false, false, ""},
  };
  for (const auto& row : rows) {
    const auto got = parse_readiness(row.line);
    ASSERT_EQ(got.has_value(), row.parses) << row.line;
    if (!got) continue;
    EXPECT_EQ(got->ready, row.ready) << row.line;
    EXPECT_EQ(got->refused.reason, row.reason) << row.line;
  }
}

TEST(LastLines, Rows) {
  EXPECT_EQ(last_lines("a\nb\nc\n", 2), "b\nc\n");
  EXPECT_EQ(last_lines("a\nb\nc", 1), "c");
  EXPECT_EQ(last_lines("a", 5), "a");
  EXPECT_EQ(last_lines("", 5), "");
  EXPECT_EQ(last_lines("a\nb\n", 0), "");
}

}  // namespace
}  // namespace slipway::compute
