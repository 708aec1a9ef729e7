#include "modelserver/protocol.h"

#include <gtest/gtest.h>

namespace slipway::modelserver {
namespace {

using namespace std::string_literals;

TEST(Protocol, RequestIsLaidOutAsDocumented) {
  const http::Headers headers{{"A", "b"}};
  const auto frame = encode_request({"POST", "id", "/score", &headers, "{}"});
  ASSERT_TRUE(frame);
  EXPECT_EQ(*frame, "\x19\0\0\0\x01\x01\x02\0\x06\0\x05\0\0\0id/scoreA: b\n"s);
  EXPECT_FALSE(encode_request({"POST", std::string(70'000, 'x'), "/", nullptr, ""}));
}

TEST(Protocol, PrefixWaitsForItsBytesAndRefusesNonsense) {
  EXPECT_FALSE(decode_prefix("\x01\0\0\0"s)->has_value());
  EXPECT_EQ((*decode_prefix("\x05\0\0\0\x04"s))->payload, 4U);
  EXPECT_FALSE(decode_prefix("\0\0\0\0\x04"s));
  EXPECT_FALSE(decode_prefix("\xff\xff\xff\xff\x04"s));
  EXPECT_FALSE(decode_prefix("\x05\0\0\0\x09"s));
}

TEST(Protocol, ResponseIsTakenApart) {
  const std::string frame = "\xc8\0\x02\x10\0\0\0\x05\0\0\0A: b\nbody"s;  // outlives its views
  const auto response = decode_response(frame);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200U);
  EXPECT_EQ(response->run_us, 16U);
  EXPECT_FALSE(response->run_failed);
  EXPECT_EQ(response->headers.get("a"), "b");
  EXPECT_EQ(response->body, "body");
}

TEST(Protocol, MalformedResponsesAreRefused) {
  const std::string cases[] = {
      "short",
      "\x64\0\0\0\0\0\0\0\0\0\0"s,              // status 100
      "\xc8\0\0\0\0\0\0\x09\0\0\0A: b\n"s,      // the header block is longer than the frame
      "\xc8\0\0\0\0\0\0\x04\0\0\0A: b"s,        // a line without its end
      "\xc8\0\0\0\0\0\0\x07\0\0\0A: \rb\n\n"s,  // a line break within a value
      "\xc8\0\0\0\0\0\0\x04\0\0\0Abc\n"s,       // no colon
  };
  for (const auto& payload : cases) EXPECT_FALSE(decode_response(payload)) << payload;
}

}  // namespace
}  // namespace slipway::modelserver
