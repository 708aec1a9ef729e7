#include <gtest/gtest.h>
#include <sys/stat.h>

#include <future>
#include <set>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/executor.h"
#include "base/file.h"
#include "base/json.h"

namespace slipway {

enum class Colour { red, green };
BOOST_DESCRIBE_ENUM(Colour, red, green)
struct Inner {
  double weight = 1.5;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (weight))
struct Thing {
  std::string name = "unset";
  std::optional<int> count;
  std::vector<Inner> parts;
  std::map<std::string, std::string> tags;
  Colour colour = Colour::red;
};
BOOST_DESCRIBE_STRUCT(Thing, (), (name, count, parts, tags, colour))

namespace {

TEST(Json, DescribedStructsComeBackAsTheyWere) {
  Thing thing{.name = "a", .count = 3, .parts = {{2.5}}, .tags = {{"k", "v"}}};
  thing.colour = Colour::green;
  const auto again = from_json<Thing>(to_json(thing));
  ASSERT_TRUE(again);
  EXPECT_EQ(to_json(*again), to_json(thing));
}

TEST(Json, AbsentMembersKeepDefaultsAndUnknownOnesAreIgnored) {
  const auto thing = from_json<Thing>(*parse_json(R"({"other": 1, "count": null})"));
  ASSERT_TRUE(thing);
  EXPECT_EQ(thing->name, "unset");
  EXPECT_FALSE(thing->count);
}

TEST(Json, AWrongTypeNamesItsPath) {
  const struct {
    const char* text;
    const char* path;
  } cases[] = {{R"({"name": 1})", "name"},
               {R"({"count": 1.5})", "count"},
               {R"({"count": 5000000000})", "count"},
               {R"({"parts": [{"weight": 1}, {"weight": "x"}]})", "parts[1].weight"},
               {R"({"tags": {"a": 1}})", "tags.a"},
               {R"({"colour": "blue"})", "colour"},
               {"[]", ""}};
  for (const auto& each : cases) {
    const auto thing = from_json<Thing>(*parse_json(each.text));
    ASSERT_FALSE(thing) << each.text;
    EXPECT_EQ(thing.error().target, each.path) << each.text;
  }
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "{} x", "nul", "\"a", "[1,]", "{\"a\":1,}"})
    EXPECT_FALSE(parse_json(text)) << text;
  EXPECT_FALSE(parse_json(std::string(100, '[')));
  EXPECT_TRUE(parse_json(" {\"a\": [1, 2]} \n"));
}

TEST(Json, PrettyTextParsesBack) {
  const auto value = parse_json(R"({"a": [1, {"b": null}], "c": {}, "d": "x\"y"})");
  EXPECT_EQ(*parse_json(pretty_json(*value)), *value);
}

TEST(Clock, WritesIso8601) {
  EXPECT_EQ(to_iso8601(0), "1970-01-01T00:00:00.000+00:00");
  EXPECT_EQ(to_iso8601(1'579'167'000'042), "2020-01-16T09:30:00.042+00:00");
  EXPECT_EQ(to_iso8601(-1), "1969-12-31T23:59:59.999+00:00");
}

// RFC 4648, section 10, and FIPS 180-4's "abc".
TEST(Crypto, KnownAnswers) {
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(to_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(*from_base64("Zm9vYg=="), "foob");
  EXPECT_EQ(to_base64url("\xff\xfe"), "__4");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Crypto, Base64IsStrict) {
  for (const char* text : {"A", "Zm9vYh", "Zm9v!", "Zm 9"}) EXPECT_FALSE(from_base64(text)) << text;
  for (const char* text : {"Zm9vYg==", "+/", "Zg="}) EXPECT_FALSE(from_base64url(text)) << text;
}

TEST(Crypto, SealedTextOpensOnlyWithItsKeyAndContext) {
  const std::string key = random_bytes(32);
  const std::string sealed = seal(key, "secret", "row 1");
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  EXPECT_EQ(*unseal(key, sealed, "row 1"), "secret");
  EXPECT_FALSE(unseal(key, sealed, "row 2"));
  EXPECT_FALSE(unseal(random_bytes(32), sealed, "row 1"));
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(unseal(key, changed, "row 1")) << at;
  }
  EXPECT_FALSE(unseal(key, sealed.substr(0, 20), "row 1"));
}

TEST(Crypto, UuidsHaveTheirFormAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto uuid = random_uuid();
    EXPECT_EQ(uuid.size(), 36U);
    EXPECT_EQ(uuid[14], '4');
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(File, AtomicWritesLeaveOneFileWithItsMode) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / random_hex(8);
  ASSERT_TRUE(make_directories(folder / "a/b", 0700));
  const auto path = folder / "a/b/file";
  ASSERT_TRUE(write_file_atomic(path, "one", 0600));
  ASSERT_TRUE(write_file_atomic(path, "two", 0600));
  EXPECT_EQ(*read_file(path), "two");
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "a/b"), {}), 1);
  EXPECT_EQ(read_file(path, 2).error().code, ErrorCode::too_large);
  EXPECT_EQ(read_file(folder / "none").error().code, ErrorCode::not_found);
  std::filesystem::remove_all(folder);
}

TEST(WorkPool, RunsEverythingItTookAndRefusesAboveItsLimit) {
  std::atomic<int> ran = 0;
  std::promise<void> gate;
  auto open = gate.get_future().share();
  {
    WorkPool pool("test", 1, 4);
    std::promise<void> begun;
    ASSERT_TRUE(pool.submit([&] {
      begun.set_value();
      open.wait();
      ++ran;
    }));
    begun.get_future().wait();
    int taken = 0;
    for (int i = 0; i < 10; ++i) taken += pool.submit([&] { ++ran; }) ? 1 : 0;
    EXPECT_EQ(taken, 4);
    EXPECT_EQ(pool.queued(), 4U);
    gate.set_value();
  }
  EXPECT_EQ(ran, 5);
}

}  // namespace
}  // namespace slipway
