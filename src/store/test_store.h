#pragma once
// TestStore: a store in a folder of its own, for the tests of this room. One test owns it.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "store/store.h"

namespace slipway::store {

template <class T>
Result<void> drop(Result<T> result) {
  if (!result) return result.error();
  return {};
}

class TestStore {
 public:
  TestStore() { open(); }
  explicit TestStore(std::filesystem::path folder) : base_(std::move(folder)) { open(); }
  ~TestStore() {
    close();
    std::filesystem::remove_all(base_);
  }
  TestStore(const TestStore&) = delete;

  static std::filesystem::path new_folder() {
    std::string path = (std::filesystem::temp_directory_path() / "slipway-store-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    return path;
  }
  std::filesystem::path folder() const { return base_ / "data"; }
  void close() { store.reset(); }
  void open() {
    auto opened = Store::open({.directory = folder()});
    ASSERT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
  }

  Record create(const Key& key, const json::value& desired) const {
    Record record;
    const auto done = store->write([&](Transaction& t) -> Result<void> {
      TRY(record, t.create(key, desired));
      return {};
    });
    EXPECT_TRUE(done) << done.error().message;
    return record;
  }
  Result<Record> update(const Key& key, const json::value& desired, std::int64_t expected) const {
    Record record;
    TRY_VOID(store->write([&](Transaction& t) -> Result<void> {
      TRY(record, t.update(key, desired, expected));
      return {};
    }));
    return record;
  }
  Result<void> remove(const Key& key) const {
    return store->write([&](Transaction& t) { return t.remove(key); });
  }
  std::int64_t next(const std::string& counter) const {
    std::int64_t value = 0;
    EXPECT_TRUE(store->write([&](Transaction& t) -> Result<void> {
      TRY(value, t.next(counter));
      return {};
    }));
    return value;
  }

  std::unique_ptr<Store> store;

 private:
  std::filesystem::path base_ = new_folder();
};

}  // namespace slipway::store
