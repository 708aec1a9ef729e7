// What an acknowledged write is worth: kill -9 at any moment, and a disk without space.
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "base/crypto.h"
#include "base/file.h"
#include "store/database.h"
#include "store/test_store.h"

namespace slipway::store {
namespace {

// Writes without end and reports each acknowledged number through the pipe. Never returns.
[[noreturn]] void write_until_killed(const std::filesystem::path& folder, int report, int from) {
  auto store = *Store::open({.directory = folder});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = from + t;; i += 4) {
        const Key key{"model", "w1", std::to_string(i)};
        const std::string text = random_hex(1000);
        const auto done = store->write([&](Transaction& transaction) {
          return drop(transaction.create(key, json::value(text)));
        });
        if (!done || ::write(report, &i, sizeof i) != sizeof i) ::_exit(1);
      }
    });
  for (auto& thread : threads) thread.join();
  ::_exit(1);
}

// Kills the child after `count` acknowledged writes and returns all that were reported.
std::vector<int> acknowledged_before_kill(const std::filesystem::path& folder, int count,
                                          int from) {
  int ends[2] = {};
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) write_until_killed(folder, ends[1], from);
  ::close(ends[1]);
  std::vector<int> seen;
  int number = 0;
  while (::read(ends[0], &number, sizeof number) == sizeof number) {
    seen.push_back(number);
    if (static_cast<int>(seen.size()) == count) ::kill(child, SIGKILL);
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  return seen;
}

TEST(StoreFaults, EveryAcknowledgedWriteSurvivesKillNine) {
  TestStore at;
  at.close();
  int from = 0;
  for (const int count : {1, 7, 40, 150}) {
    const auto seen = acknowledged_before_kill(at.folder(), count, from);
    EXPECT_GE(seen.size(), static_cast<std::size_t>(count));
    at.open();
    for (const int number : seen)
      EXPECT_TRUE(at.store->get({"model", "w1", std::to_string(number)})->has_value()) << number;
    at.close();
    auto raw = *Database::open(at.folder() / "slipway.db", Database::Mode::writer);
    auto verdict = *raw->query("PRAGMA integrity_check");
    ASSERT_TRUE(*verdict.step());
    EXPECT_EQ(verdict.text(0), "ok");
    from += 100'000;
  }
}

TEST(StoreFaults, AFullDiskLosesNothingAndTheStoreGoesOnAfterIt) {
  const auto disk = TestStore::new_folder();
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=4m") != 0) {
    std::filesystem::remove(disk);
    GTEST_SKIP() << "mounting a small tmpfs is not permitted here";
  }
  {
    auto store = *Store::open({.directory = disk / "data"});
    const std::string text(20'000, 'x');
    int kept = 0;
    const auto add = [&](int i) {
      return store->write([&](Transaction& t) {
        return drop(t.create({"model", "w", std::to_string(i)}, json::value(text)));
      });
    };
    {
      std::ofstream(disk / "filler") << std::string(3 << 20, 'f');
    }
    Result<void> last;
    while ((last = add(kept)) && kept < 1000) ++kept;
    ASSERT_FALSE(last);
    EXPECT_EQ(last.error().code, ErrorCode::exhausted) << last.error().message;
    EXPECT_NE(last.error().message.find("is full"), std::string::npos) << last.error().message;
    EXPECT_EQ(*store->count("model", "w"), static_cast<std::size_t>(kept));
    EXPECT_FALSE(add(kept));
    std::filesystem::remove(disk / "filler");
    const auto after = add(kept);
    EXPECT_TRUE(after) << after.error().message;
    store.reset();
    store = *Store::open({.directory = disk / "data"});
    EXPECT_EQ(*store->count("model", "w"), static_cast<std::size_t>(kept + 1));
  }
  EXPECT_EQ(::umount(disk.c_str()), 0);
  std::filesystem::remove(disk);
}

}  // namespace
}  // namespace slipway::store
