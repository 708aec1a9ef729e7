#include "artifacts/artifacts.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>

#include "base/crypto.h"
#include "base/file.h"

namespace slipway::artifacts {
namespace fs = std::filesystem;

namespace {

struct Entry {
  std::string path;
  std::string text = {};
  mode_t type = AE_IFREG;
  std::string link = {};
  bool hard = false;
};

enum class Form { tar, tar_gz, tar_bz2, tar_xz, tar_zst, zip };

std::string pack(const std::vector<Entry>& entries, Form form = Form::tar) {
  std::string out(4 << 20, '\0');
  std::size_t used = 0;
  archive* writer = archive_write_new();
  if (form == Form::zip) {
    archive_write_set_format_zip(writer);
  } else {
    archive_write_set_format_pax_restricted(writer);
  }
  if (form == Form::tar_gz) archive_write_add_filter_gzip(writer);
  if (form == Form::tar_bz2) archive_write_add_filter_bzip2(writer);
  if (form == Form::tar_xz) archive_write_add_filter_xz(writer);
  if (form == Form::tar_zst) archive_write_add_filter_zstd(writer);
  EXPECT_EQ(archive_write_open_memory(writer, out.data(), out.size(), &used), ARCHIVE_OK);
  for (const auto& item : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, item.path.c_str());
    archive_entry_set_filetype(entry, item.type);
    archive_entry_set_perm(entry, 0755);
    archive_entry_set_size(entry, std::ssize(item.text));
    if (!item.link.empty() && item.hard) archive_entry_set_hardlink(entry, item.link.c_str());
    if (!item.link.empty() && !item.hard) archive_entry_set_symlink(entry, item.link.c_str());
    archive_write_header(writer, entry);
    archive_write_data(writer, item.text.data(), item.text.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  out.resize(used);
  return out;
}

class ArtifactsTest : public testing::Test {
 protected:
  ArtifactsTest() {
    std::string path = (fs::temp_directory_path() / "slipway-artifacts-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    base_ = path;
    open();
  }
  ~ArtifactsTest() override {
    artifacts_.reset();
    fs::remove_all(base_);
  }
  void open() { artifacts_ = *Artifacts::open(base_ / "a", clock_); }

  Blob put(std::string_view text) {
    auto upload = *artifacts_->begin_upload();
    EXPECT_TRUE(upload->write(text));
    auto blob = upload->commit();
    EXPECT_TRUE(blob) << blob.error().message;
    return *blob;
  }
  std::size_t files_in(const char* folder) const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(base_ / "a" / folder))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }

  fs::path base_;
  FakeClock clock_{system_clock().now_ms()};
  std::unique_ptr<Artifacts> artifacts_;
};

TEST_F(ArtifactsTest, KeepsEqualBytesOnceReadOnlyUnderTheirDigest) {
  const auto blob = put("hello");
  EXPECT_EQ(put("hello").digest, blob.digest);
  EXPECT_EQ(blob.digest, sha256_hex("hello"));
  EXPECT_EQ(blob.bytes, 5);
  EXPECT_EQ(files_in("sha256"), 1U);
  EXPECT_EQ(files_in("uploads"), 0U);
  struct stat info{};
  ASSERT_EQ(::stat(artifacts_->path_of(blob.digest)->c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0444U);
  open();
  EXPECT_TRUE(artifacts_->verify(blob.digest));
  EXPECT_FALSE(artifacts_->has(std::string(64, '0')));
  EXPECT_EQ(artifacts_->path_of("../../etc/passwd").error().code, ErrorCode::not_found);
}

TEST_F(ArtifactsTest, ChecksMd5AndSeesRot) {
  const std::string right = *from_base64("XUFAKrxLKna5cZ2REBfFkg==");  // of "hello"
  auto good = *artifacts_->begin_upload();
  ASSERT_TRUE(good->write("hello"));
  EXPECT_TRUE(good->commit(right));
  auto bad = *artifacts_->begin_upload();
  ASSERT_TRUE(bad->write("hallo"));
  EXPECT_EQ(bad->commit(right).error().code, ErrorCode::conflict);
  bad.reset();
  EXPECT_FALSE(artifacts_->has(sha256_hex("hallo")));
  EXPECT_EQ(files_in("uploads"), 0U);
  const auto path = *artifacts_->path_of(sha256_hex("hello"));
  fs::remove(path);
  ASSERT_TRUE(write_file_atomic(path, "hexlo", 0444));
  EXPECT_EQ(artifacts_->verify(sha256_hex("hello")).error().code, ErrorCode::internal);
}

TEST_F(ArtifactsTest, AnUploadThatIsDroppedLeavesNothing) {
  {
    auto upload = *artifacts_->begin_upload();
    ASSERT_TRUE(upload->write("half"));
    EXPECT_EQ(files_in("uploads"), 1U);
  }
  EXPECT_EQ(files_in("uploads"), 0U);
  std::ofstream(base_ / "a/uploads/left-by-a-crash.tmp") << "x";
  open();
  EXPECT_EQ(files_in("uploads"), 0U);
}

TEST_F(ArtifactsTest, BlocksComeInAnyOrderAndOutliveARestart) {
  const auto block = [&](const std::string& id, std::string_view text) {
    auto upload = *artifacts_->begin_block("abc1", id);
    ASSERT_TRUE(upload->write(text));
    ASSERT_TRUE(upload->commit());
  };
  block("../2", "world");
  block("1", "old");
  block("1", "hello ");
  open();
  EXPECT_EQ(artifacts_->commit_blocks({"abc1", {"1", "3"}}).error().code,
            ErrorCode::invalid_argument);
  const auto blob = artifacts_->commit_blocks({"abc1", {"1", "../2"}});
  ASSERT_TRUE(blob) << blob.error().message;
  EXPECT_EQ(blob->digest, sha256_hex("hello world"));
  EXPECT_EQ(files_in("blocks"), 0U);
  EXPECT_FALSE(artifacts_->begin_block("../x", "1"));
}

TEST_F(ArtifactsTest, CollectsWhatIsOldAndNotReferred) {
  const auto keep = put("keep");
  const auto drop = put("dropped");
  const auto again = put("again");
  clock_.advance(10'000);
  put("again");  // young once more
  const auto young = put("young");
  const auto freed = artifacts_->collect({keep.digest}, 5'000);
  ASSERT_TRUE(freed);
  EXPECT_EQ(*freed, 7);
  EXPECT_TRUE(artifacts_->has(keep.digest));
  EXPECT_FALSE(artifacts_->has(drop.digest));
  EXPECT_TRUE(artifacts_->has(again.digest));
  EXPECT_TRUE(artifacts_->has(young.digest));
}

TEST_F(ArtifactsTest, UnpacksEveryForm) {
  const std::vector<Entry> entries = {{"./dir/", "", AE_IFDIR}, {"./dir/a.txt", "A"}, {"grün", ""}};
  for (const Form form :
       {Form::tar, Form::tar_gz, Form::tar_bz2, Form::tar_xz, Form::tar_zst, Form::zip}) {
    const auto files = artifacts_->unpack(put(pack(entries, form)).digest);
    ASSERT_TRUE(files) << static_cast<int>(form) << ": " << files.error().message;
    ASSERT_EQ(files->size(), 2U);
    EXPECT_EQ((*files)[0].path, "dir/a.txt");
    EXPECT_EQ((*files)[0].digest, sha256_hex("A"));
    EXPECT_EQ((*files)[0].bytes, 1);
    EXPECT_EQ((*files)[1].path, "grün");
  }
}

TEST_F(ArtifactsTest, RefusesHostileArchivesWhole) {
  struct Case {
    const char* name;
    std::string bytes;
    ErrorCode code;
    const char* says;
  };
  const UnpackLimits limits{.bytes = 1000, .files = 5, .path_bytes = 100, .depth = 4};
  const Entry good{"good", "will not stay"};
  const auto bad = ErrorCode::invalid_argument;
  const std::string whole = pack({good, {"b", std::string(900, 'b')}});
  const Case cases[] = {
      {"escape", pack({good, {"a/../../x", "x"}}), bad, ".."},
      {"escape in zip", pack({good, {"../x", "x"}}, Form::zip), bad, ".."},
      {"absolute", pack({good, {"/etc/x", "x"}}), bad, "absolute"},
      {"symbolic link", pack({good, {"l", "", AE_IFLNK, "/etc/passwd"}}), bad, "link"},
      {"hard link", pack({good, {"l", "", AE_IFREG, "good", true}}), bad, "link"},
      {"device", pack({good, {"d", "", AE_IFCHR}}), bad, "device"},
      {"pipe", pack({good, {"p", "", AE_IFIFO}}), bad, "pipe"},
      {"duplicate", pack({good, {"good", "x"}}), bad, "more than once"},
      {"file as folder", pack({good, {"good/x", "x"}}), bad, "more than once"},
      {"folder as file", pack({{"good/x", "x"}, good}), bad, "more than once"},
      {"too deep", pack({good, {"a/b/c/d/e", "x"}}), bad, "deep"},
      {"long path", pack({good, {std::string(101, 'a'), "x"}}), bad, "above"},
      {"bomb", pack({good, {"z", std::string(2 << 20, '\0')}}, Form::tar_gz), ErrorCode::too_large,
       "1000 bytes"},
      {"many", pack({good, {"1"}, {"2"}, {"3"}, {"4"}, {"5"}}), ErrorCode::too_large, "5 entries"},
      {"cut short", whole.substr(0, 2000), bad, "cannot be read"},
      {"no archive", "just text", bad, "cannot be read"},
  };
  for (const auto& c : cases) {
    const auto files = artifacts_->unpack(put(c.bytes).digest, limits);
    ASSERT_FALSE(files) << c.name;
    EXPECT_EQ(files.error().code, c.code) << c.name << ": " << files.error().message;
    EXPECT_NE(files.error().message.find(c.says), std::string::npos)
        << c.name << ": " << files.error().message;
    EXPECT_FALSE(artifacts_->has(sha256_hex(good.text))) << c.name;
    EXPECT_EQ(files_in("uploads"), 0U) << c.name;
  }
}

TEST_F(ArtifactsTest, PlacesABundleByLinkAndRemovesIt) {
  const auto blob = put("model");
  const auto bundle = base_ / "bundles/r1";
  const std::vector<Placement> placements = {{"models/iris/1", {{"a/m.pkl", blob.digest, 5}}},
                                             {"", {{"score.py", blob.digest, 5}}}};
  const auto placed = artifacts_->place(bundle, placements, {{"conf/x.json", "{}"}});
  ASSERT_TRUE(placed) << placed.error().message;
  EXPECT_EQ(*read_file(bundle / "models/iris/1/a/m.pkl"), "model");
  EXPECT_EQ(*read_file(bundle / "conf/x.json"), "{}");
  EXPECT_TRUE(fs::equivalent(bundle / "score.py", *artifacts_->path_of(blob.digest)));
  EXPECT_EQ(artifacts_->place(bundle, {}, {}).error().code, ErrorCode::conflict);
  ASSERT_TRUE(artifacts_->remove_tree(bundle));
  EXPECT_FALSE(fs::exists(bundle));
  EXPECT_TRUE(artifacts_->verify(blob.digest));
}

TEST_F(ArtifactsTest, ABundleThatFailsLeavesNothing) {
  const auto blob = put("model");
  const std::vector<std::vector<Placement>> cases = {
      {{"m", {{"../x", blob.digest, 5}}}},
      {{"m", {{"ok", blob.digest, 5}, {"absent", std::string(64, '0'), 5}}}},
      {{"m", {{"x", blob.digest, 5}, {"x", blob.digest, 5}}}},
  };
  for (const auto& placements : cases) {
    EXPECT_FALSE(artifacts_->place(base_ / "bundles/r1", placements, {}));
    EXPECT_TRUE(fs::is_empty(base_ / "bundles"));
  }
}

TEST_F(ArtifactsTest, ALargeUploadTakesLittleMemory) {
  struct rusage before{};
  ::getrusage(RUSAGE_SELF, &before);
  const std::string piece(1 << 20, 'p');
  auto upload = *artifacts_->begin_upload();
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(upload->write(piece));
  ASSERT_TRUE(upload->commit());
  struct rusage after{};
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 16 << 10);  // KiB
}

TEST_F(ArtifactsTest, AFullDiskIsSaidAndLeavesNoPart) {
  const auto disk = base_ / "small";
  fs::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "mounting a small tmpfs is not permitted here";
  {
    auto small = *Artifacts::open(disk, clock_);
    auto upload = *small->begin_upload();
    const auto written = upload->write(std::string(2 << 20, 'x'));
    EXPECT_EQ(written.error().code, ErrorCode::exhausted);
    EXPECT_NE(written.error().message.find("is full"), std::string::npos);
    upload.reset();
    auto next = *small->begin_upload();
    EXPECT_TRUE(next->write("fits"));
    EXPECT_TRUE(next->commit());
  }
  EXPECT_EQ(::umount(disk.c_str()), 0);
}

}  // namespace
}  // namespace slipway::artifacts
