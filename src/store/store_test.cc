#include "store/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/file.h"
#include "store/database.h"
#include "store/schema.h"
#include "store/test_store.h"

namespace slipway::store {
namespace {

const Key kIris{"service", "w1", "iris"};

json::value spec(std::int64_t cpu) { return json::object{{"cpu", cpu}, {"text", "grün"}}; }

TEST(Store, CreateGetUpdateRemove) {
  const TestStore at;
  const auto created = at.create(kIris, spec(1));
  EXPECT_EQ(created.etag(), "\"1\"");
  auto updated = at.update(kIris, spec(2), 1);
  ASSERT_TRUE(updated) << updated.error().message;
  EXPECT_EQ(updated->generation, 2);
  auto seen = at.store->get(kIris);
  ASSERT_TRUE(seen && *seen);
  EXPECT_EQ((*seen)->key, kIris);
  EXPECT_EQ((*seen)->desired, spec(2));
  EXPECT_TRUE((*seen)->observed.is_null());
  EXPECT_EQ((*seen)->sequence, created.sequence);
  ASSERT_TRUE(at.remove(kIris));
  EXPECT_FALSE(at.store->get(kIris)->has_value());
  // A number is never given twice: a page token stays true.
  EXPECT_GT(at.create(kIris, spec(1)).sequence, created.sequence);
}

TEST(Store, ObservedStateLeavesTheGenerationAlone) {
  const TestStore at;
  at.create(kIris, spec(1));
  ASSERT_TRUE(
      at.store->write([](Transaction& t) { return t.observe(kIris, {{"state", "Healthy"}}, 1); }));
  const auto seen = *at.store->get(kIris);
  EXPECT_EQ(seen->generation, 1);
  EXPECT_EQ(seen->observed_generation, 1);
  EXPECT_EQ(seen->observed, json::value({{"state", "Healthy"}}));
  EXPECT_EQ(seen->desired, spec(1));
}

TEST(Store, Refusals) {
  const TestStore at;
  at.create(kIris, spec(1));
  const Key absent{"service", "w1", "Iris"};  // names compare exactly
  struct Case {
    const char* name;
    Work work;
    ErrorCode code;
  };
  const Case cases[] = {
      {"create twice", [](Transaction& t) { return drop(t.create(kIris, spec(2))); },
       ErrorCode::conflict},
      {"old ETag", [](Transaction& t) { return drop(t.update(kIris, spec(2), 7)); },
       ErrorCode::precondition_failed},
      {"update absent", [&](Transaction& t) { return drop(t.update(absent, spec(2))); },
       ErrorCode::not_found},
      {"observe absent", [&](Transaction& t) { return t.observe(absent, {}, 1); },
       ErrorCode::not_found},
      {"remove absent", [&](Transaction& t) { return t.remove(absent); }, ErrorCode::not_found},
  };
  for (const auto& c : cases) {
    const auto result = at.store->write(c.work);
    ASSERT_FALSE(result) << c.name;
    EXPECT_EQ(result.error().code, c.code) << c.name << ": " << result.error().message;
    EXPECT_NE(result.error().message.find("ris"), std::string::npos) << c.name;
  }
  EXPECT_EQ((*at.store->get(kIris))->desired, spec(1));
}

TEST(Store, AnErrorRollsBackItsOwnWriteWhole) {
  const TestStore at;
  const auto result = at.store->write([](Transaction& t) -> Result<void> {
    TRY_VOID(t.create(kIris, spec(1)));
    TRY_VOID(t.next("model:iris"));
    TRY(const auto mine, t.get(kIris));
    EXPECT_TRUE(mine.has_value());
    return fail(ErrorCode::invalid_argument, "changed its mind");
  });
  EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
  EXPECT_FALSE(at.store->get(kIris)->has_value());
  EXPECT_EQ(at.next("model:iris"), 1);
  EXPECT_EQ(at.next("model:iris"), 2);
  EXPECT_EQ(at.next("model:other"), 1);
}

TEST(Store, ListsNewestFirstByScopePrefixAndPage) {
  const TestStore at;
  for (const char* name : {"a:1", "b:1", "a:2", "a%:9", "a:3"}) at.create({"model", "w1", name}, 1);
  at.create({"model", "w2", "a:7"}, 1);
  at.create({"service", "w1", "a:8"}, 1);
  struct Case {
    ListOptions options;
    std::vector<std::string> names;
  };
  const auto second_page = at.store->list("model", {.scope = "w1", .limit = 2});
  const Case cases[] = {
      {{.scope = "w1"}, {"a:3", "a%:9", "a:2", "b:1", "a:1"}},
      {{.scope = "w1", .name_prefix = "a:"}, {"a:3", "a:2", "a:1"}},
      {{.scope = "w1", .name_prefix = "a:", .limit = 1}, {"a:3"}},
      {{.scope = "w1", .limit = 2, .before_sequence = second_page->back().sequence},
       {"a:2", "b:1"}},
      {{}, {"a:7", "a:3", "a%:9", "a:2", "b:1", "a:1"}},
      {{.name_prefix = "a:"}, {"a:7", "a:3", "a:2", "a:1"}},
      {{.scope = "none"}, {}},
  };
  for (const auto& c : cases) {
    const auto found = at.store->list("model", c.options);
    ASSERT_TRUE(found) << found.error().message;
    std::vector<std::string> names;
    for (const auto& record : *found) names.push_back(record.key.name);
    EXPECT_EQ(names, c.names) << c.options.scope << "/" << c.options.name_prefix;
  }
  EXPECT_EQ(*at.store->count("model", "w1"), 5U);
  EXPECT_EQ(*at.store->count("model", ""), 6U);
}

TEST(Store, WatchersSeeEveryCommittedChangeAndNoOther) {
  const TestStore at;
  std::vector<Key> seen;
  at.store->watch([&](const Key& key) { seen.push_back(key); });
  at.create(kIris, spec(1));
  EXPECT_FALSE(at.update(kIris, spec(2), 9));
  EXPECT_EQ(seen, std::vector<Key>({kIris}));
  ASSERT_TRUE(at.remove(kIris));
  EXPECT_EQ(seen, std::vector<Key>({kIris, kIris}));
}

TEST(Store, ConcurrentWritersLoseNothingAndShareCommits) {
  const TestStore at;
  constexpr int kThreads = 8;
  constexpr int kWrites = 25;
  std::atomic<int> refused = 0;
  at.create(kIris, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kWrites; ++i) {
        at.create({"model", "w1", std::to_string(t) + ":" + std::to_string(i)}, i);
        const auto present = *at.store->get(kIris);
        if (!at.update(kIris, present->desired.as_int64() + 1, present->generation)) ++refused;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(*at.store->count("model", "w1"), static_cast<std::size_t>(kThreads * kWrites));
  // Every update either counted once or was refused by its ETag.
  EXPECT_EQ((*at.store->get(kIris))->desired.as_int64() + refused, kThreads * kWrites);
}

TEST(Store, SecretsAreBoundToTheirKeyAndNotInTheFiles) {
  const TestStore at;
  const std::string secret = "correct-horse-battery-staple";
  at.create(kIris, spec(1));
  ASSERT_TRUE(
      at.store->write([&](Transaction& t) { return t.put_secret(kIris, "primary_key", secret); }));
  EXPECT_EQ(*at.store->get_secret(kIris, "primary_key"), secret);
  EXPECT_EQ(*at.store->get_secret(kIris, "secondary_key"), std::nullopt);
  for (const char* file : {"slipway.db", "slipway.db-wal"}) {
    EXPECT_EQ(read_file(at.folder() / file)->find(secret), std::string::npos) << file;
    EXPECT_NE(read_file(at.folder() / "slipway.db-wal")->find("primary_key"), std::string::npos);
  }
  ASSERT_TRUE(at.remove(kIris));
  EXPECT_EQ(*at.store->get_secret(kIris, "primary_key"), std::nullopt);
}

TEST(Store, ASecretMovedToAnotherRowDoesNotOpen) {
  TestStore at;
  ASSERT_TRUE(at.store->write([&](Transaction& t) { return t.put_secret(kIris, "key", "s"); }));
  at.close();
  {
    auto raw = *Database::open(at.folder() / "slipway.db", Database::Mode::writer);
    ASSERT_TRUE(raw->script("UPDATE secret SET name = 'other' WHERE name = 'iris'"));
  }
  at.open();
  EXPECT_FALSE(at.store->get_secret({"service", "w1", "other"}, "key"));
}

TEST(Store, LogIsReadFromAnyOffsetAndBounded) {
  const TestStore at;
  ASSERT_TRUE(at.store->append_log("op", "hello "));
  ASSERT_TRUE(at.store->append_log("op", "world"));
  EXPECT_EQ(*at.store->read_log("op", 0), "hello world");
  EXPECT_EQ(*at.store->read_log("op", 4), "o world");
  EXPECT_EQ(*at.store->read_log("op", 11), "");
  EXPECT_EQ(*at.store->read_log("none", 0), "");
  std::string piece;
  while (piece.size() < (300U << 10)) piece += "ü";
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(at.store->append_log("op", piece));
  const auto log = *at.store->read_log("op", 0);
  EXPECT_EQ(log.size(), 1U << 20);
  EXPECT_TRUE(log.starts_with("hello worldü"));
  EXPECT_NE(log.find("was not kept"), std::string::npos);
  EXPECT_NE(log.substr(0, log.find("\n[")).substr(log.find("\n[") - 2), "\xc3");
  at.create({"operation", "w1", "op"}, {});
  ASSERT_TRUE(at.remove({"operation", "w1", "op"}));
  EXPECT_EQ(*at.store->read_log("op", 0), "");
}

TEST(Store, FilesArePrivate) {
  const TestStore at;
  at.create(kIris, spec(1));
  for (const char* name : {"slipway.db", "slipway.db-wal", "slipway.key", "slipway.lock"}) {
    struct stat info{};
    ASSERT_EQ(::stat((at.folder() / name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << name;
  }
  struct stat info{};
  ASSERT_EQ(::stat(at.folder().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST(StoreOpen, SecondDaemonIsRefusedByTheFirstsPid) {
  const TestStore at;
  const auto second = Store::open({.directory = at.folder()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
}

TEST(StoreOpen, RefusesWhatItCannotTrust) {
  struct Case {
    const char* name;
    std::function<void(const std::filesystem::path&)> spoil;
    ErrorCode code;
    const char* says;
  };
  const Case cases[] = {
      {"newer version",
       [](const auto& folder) {
         auto raw = *Database::open(folder / "slipway.db", Database::Mode::writer);
         ASSERT_TRUE(raw->script("PRAGMA user_version = 99"));
       },
       ErrorCode::precondition_failed, "version 99"},
      {"key of another",
       [](const auto& folder) {
         std::filesystem::remove(folder / "slipway.key");
         ASSERT_TRUE(write_file_atomic(folder / "slipway.key", std::string(32, 'k'), 0600));
       },
       ErrorCode::precondition_failed, "another key"},
      {"key lost", [](const auto& folder) { std::filesystem::remove(folder / "slipway.key"); },
       ErrorCode::precondition_failed, "is missing"},
      {"key cut",
       [](const auto& folder) { std::filesystem::resize_file(folder / "slipway.key", 9); },
       ErrorCode::precondition_failed, "9 bytes"},
      {"key for all", [](const auto& folder) { ::chmod((folder / "slipway.key").c_str(), 0644); },
       ErrorCode::forbidden, "chmod 600"},
      {"no database",
       [](const auto& folder) {
         ASSERT_TRUE(write_file_atomic(folder / "slipway.db", std::string(9999, 'x'), 0600));
       },
       ErrorCode::internal, "damaged"},
  };
  for (const auto& c : cases) {
    TestStore at;
    at.create(kIris, spec(1));
    at.close();
    c.spoil(at.folder());
    const auto opened = Store::open({.directory = at.folder()});
    ASSERT_FALSE(opened) << c.name;
    EXPECT_EQ(opened.error().code, c.code) << c.name << ": " << opened.error().message;
    EXPECT_NE(opened.error().message.find(c.says), std::string::npos) << opened.error().message;
  }
}

TEST(StoreOpen, KeepsEverythingAcrossAReopen) {
  TestStore at;
  at.create(kIris, spec(1));
  at.close();
  at.open();
  EXPECT_EQ((*at.store->get(kIris))->desired, spec(1));
  EXPECT_EQ(at.next("c"), 1);
}

}  // namespace
}  // namespace slipway::store
