#include "auth/auth.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/crypto.h"

namespace slipway::auth {
namespace {

constexpr TimeMs kNow = 1'600'000'000'000;
constexpr std::int64_t kNowSeconds = kNow / 1000;

json::object good_claims() {
  return {{"iss", "slipway"}, {"aud", "service"}, {"exp", kNowSeconds + 600}, {"sub", "me"}};
}

Result<json::object> verify(const std::string& token, const std::vector<SigningKey>& keys) {
  return verify_token(token, keys, {.issuer = "slipway", .audience = "service"}, kNow);
}

TEST(Jwt, RoundTripAndPemAndJwk) {
  const auto key = SigningKey::generate();
  const auto token = sign_token(key, good_claims());
  EXPECT_TRUE(verify(token, {key}));
  const auto again = SigningKey::from_pem(key.to_pem());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id(), key.id());
  const auto jwk = SigningKey::from_jwk(key.public_jwk());
  ASSERT_TRUE(jwk);
  EXPECT_TRUE(verify(token, {*jwk}));
}

// RFC 7515, appendix A.3: signature over the example's signing input.
TEST(Jwt, VerifiesTheExampleOfTheRfc) {
  const auto jwk =
      parse_json(R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                 R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
  const auto key = SigningKey::from_jwk(*jwk);
  ASSERT_TRUE(key);
  const std::string input =
      "eyJhbGciOiJFUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv"
      "bS9pc19yb290Ijp0cnVlfQ";
  const auto signature = from_base64url(
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
  EXPECT_TRUE(key->verify(input, *signature));
  EXPECT_FALSE(key->verify(input + "x", *signature));
}

struct Attack {
  const char* name;
  std::function<std::string(const SigningKey&)> token;
};

std::string with_head(const SigningKey& key, const std::string& head, const std::string& claims) {
  const std::string text = to_base64url(head) + "." + to_base64url(claims);
  return text + "." + to_base64url(key.sign(text));
}

std::string with_claims(const SigningKey& key, const char* name, json::value value) {
  auto claims = good_claims();
  claims[name] = std::move(value);
  return sign_token(key, claims);
}

std::string claims_text() { return json::serialize(good_claims()); }

std::string hmac_confusion(const SigningKey& key) {
  const std::string head = R"({"alg":"HS256","kid":")" + key.id() + R"("})";
  const std::string text = to_base64url(head) + "." + to_base64url(claims_text());
  const std::string secret = json::serialize(key.public_jwk());
  return text + "." + to_base64url(hmac_sha256(secret, text));
}

std::string none_algorithm(const SigningKey& key) {
  const std::string head = R"({"alg":"none","kid":")" + key.id() + R"("})";
  return to_base64url(head) + "." + to_base64url(claims_text()) + ".";
}

std::string embedded_key(const SigningKey&) {
  const auto own = SigningKey::generate();
  const json::object head{{"alg", "ES256"}, {"kid", own.id()}, {"jwk", own.public_jwk()}};
  return with_head(own, json::serialize(head), claims_text());
}

std::string zero_signature(const SigningKey& key) {
  auto token = sign_token(key, good_claims());
  return token.substr(0, token.rfind('.') + 1) + to_base64url(std::string(64, '\0'));
}

const Attack kAttacks[] = {
    {"empty", [](const SigningKey&) { return std::string(); }},
    {"two parts", [](const SigningKey& k) { return sign_token(k, good_claims()).substr(0, 60); }},
    {"four parts", [](const SigningKey& k) { return sign_token(k, good_claims()) + ".x"; }},
    {"alg none", none_algorithm},
    {"alg HS256 with the public key", hmac_confusion},
    {"alg missing", [](const SigningKey& k) { return with_head(k, "{}", claims_text()); }},
    {"key in the header", embedded_key},
    {"kid of another",
     [](const SigningKey& k) {
       return with_head(k, R"({"alg":"ES256","kid":"../../etc/passwd"})", claims_text());
     }},
    {"critical extension",
     [](const SigningKey& k) {
       return with_head(k, R"({"alg":"ES256","crit":["b64"],"kid":")" + k.id() + R"("})",
                        claims_text());
     }},
    {"all-zero signature", zero_signature},
    {"foreign audience", [](const SigningKey& k) { return with_claims(k, "aud", "other"); }},
    {"foreign issuer", [](const SigningKey& k) { return with_claims(k, "iss", "other"); }},
    {"expired", [](const SigningKey& k) { return with_claims(k, "exp", kNowSeconds - 60); }},
    {"exp as text", [](const SigningKey& k) { return with_claims(k, "exp", "9999999999"); }},
    {"not yet valid", [](const SigningKey& k) { return with_claims(k, "nbf", kNowSeconds + 60); }},
    {"issued later", [](const SigningKey& k) { return with_claims(k, "iat", kNowSeconds + 60); }},
    {"padding", [](const SigningKey& k) { return sign_token(k, good_claims()) + "="; }},
    {"oversized", [](const SigningKey& k) { return with_claims(k, "x", json::string(9000, 'x')); }},
};

TEST(Jwt, RefusesEveryAttack) {
  const auto key = SigningKey::generate();
  for (const auto& attack : kAttacks) {
    const auto result = verify(attack.token(key), {key});
    ASSERT_FALSE(result) << attack.name;
    EXPECT_EQ(result.error().code, ErrorCode::unauthenticated) << attack.name;
  }
}

TEST(Jwt, AcceptsAnAudienceInAList) {
  const auto key = SigningKey::generate();
  EXPECT_TRUE(verify(with_claims(key, "aud", json::array{"other", "service"}), {key}));
}

TEST(Jwt, RefusesPointsOffTheCurve) {
  const json::object jwk{{"kty", "EC"},
                         {"crv", "P-256"},
                         {"x", to_base64url(std::string(32, '\1'))},
                         {"y", to_base64url(std::string(32, '\2'))}};
  EXPECT_FALSE(SigningKey::from_jwk(jwk));
}

TEST(Roles, Table) {
  EXPECT_TRUE(allows(Role::owner, Permission::administer));
  EXPECT_FALSE(allows(Role::contributor, Permission::administer));
  EXPECT_TRUE(allows(Role::contributor, Permission::deploy));
  EXPECT_FALSE(allows(Role::reader, Permission::keys));
  EXPECT_TRUE(allows(Role::reader, Permission::score));
  EXPECT_TRUE(allows(Role::scorer, Permission::score));
  EXPECT_FALSE(allows(Role::scorer, Permission::read));
}

TEST(OpaqueTokens, AreLongAndMatchTheirDigestOnly) {
  const auto token = make_opaque_token();
  EXPECT_EQ(token.size(), 48U);
  EXPECT_TRUE(matches_digest(token, digest_of_token(token)));
  EXPECT_FALSE(matches_digest(token + "x", digest_of_token(token)));
  EXPECT_NE(token, make_opaque_token());
}

}  // namespace
}  // namespace slipway::auth
