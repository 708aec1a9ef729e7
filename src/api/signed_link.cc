#include "api/signed_link.h"

#include <charconv>

#include "base/crypto.h"

namespace slipway::api {
namespace {

constexpr std::string_view kVersion = "2021-08-06";  // of the blob service that clients expect

std::string signature(std::string_view key, std::string_view path, std::string_view expiry,
                      std::string_view use, std::string_view scope, std::string_view name) {
  std::string text(path);
  for (const auto part : {kVersion, expiry, use, scope, name}) text.append("\n").append(part);
  return to_base64url(hmac_sha256(key, text));
}

Error refused(std::string message) {
  return fail(ErrorCode::forbidden, std::move(message), "AuthenticationFailed");
}

}  // namespace

std::string sign_link(std::string_view key, std::string_view path, const SignedLink& link,
                      TimeMs now_ms) {
  const std::string expiry = std::to_string((now_ms + kLinkMs) / 1000);
  const std::string use(1, link.use);
  const std::string name = to_base64url(link.name);
  return "sv=" + std::string(kVersion) + "&se=" + expiry + "&sp=" + use + "&skoid=" + link.scope +
         "&si=" + name + "&sig=" + signature(key, path, expiry, use, link.scope, name);
}

Result<SignedLink> check_link(std::string_view key, std::string_view path, const http::Query& query,
                              TimeMs now_ms) {
  const auto part = [&](std::string_view name) { return http::find(query, name).value_or(""); };
  const auto expiry = part("se");
  const auto expected = signature(key, path, expiry, part("sp"), part("skoid"), part("si"));
  if (!constant_time_equal(part("sig"), expected))
    return refused("the link is not signed by this server; ask for a fresh one");
  std::int64_t seconds = 0;
  std::from_chars(expiry.data(), expiry.data() + expiry.size(), seconds);
  if (now_ms / 1000 > seconds)
    return refused("the link ended at " + to_iso8601(seconds * 1000) + "; ask for a fresh one");
  TRY(auto name, from_base64url(part("si")));
  return SignedLink{part("sp").front(), std::string(part("skoid")), std::move(name)};
}

}  // namespace slipway::api
