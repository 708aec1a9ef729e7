#pragma once
// JSON Web Tokens, signed with ES256 and nothing else (RFC 7515, 7518 §3.4, 7519).
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace slipway::auth {

inline constexpr std::size_t kTokenMaxBytes = 8 << 10;

// A P-256 key with an id. Copies share the key; any thread.
class SigningKey {
 public:
  static SigningKey generate();
  // PKCS#8 PEM. invalid_argument when it is no P-256 private key.
  static Result<SigningKey> from_pem(const std::string& pem);
  // A public JWK (kty EC, crv P-256): verifies only.
  static Result<SigningKey> from_jwk(const json::value& jwk);
  std::string to_pem() const;
  json::object public_jwk() const;               // kty, crv, x, y, kid, alg, use
  const std::string& id() const { return id_; }  // RFC 7638 thumbprint

  // Raw r ‖ s, 64 bytes.
  std::string sign(std::string_view message) const;
  bool verify(std::string_view message, std::string_view signature) const;

 private:
  struct Impl;
  explicit SigningKey(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
  std::string id_;
};

// The compact form. `claims` must hold what the reader will insist on.
std::string sign_token(const SigningKey& key, const json::object& claims);

// What a token must say to pass. Empty strings are not checked.
struct TokenRules {
  std::string issuer;
  std::string audience;       // equal to `aud`, or one of its list
  TimeMs leeway_ms = 30'000;  // for exp, nbf and iat
};

// The claims of a token signed by one of `keys` (by exact kid). Everything else is unauthenticated,
// with a reason that tells an operator what was wrong and an attacker nothing new.
Result<json::object> verify_token(std::string_view token, const std::vector<SigningKey>& keys,
                                  const TokenRules& rules, TimeMs now_ms);

// {"keys": [...]}, RFC 7517.
json::object key_set(const std::vector<SigningKey>& keys);

}  // namespace slipway::auth
