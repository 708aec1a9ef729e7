#include "auth/jwt.h"

#include <array>
#include <cmath>

#include "base/crypto.h"

namespace slipway::auth {
namespace {

Error refused(std::string why) {
  return fail(ErrorCode::unauthenticated, "the token is not accepted: " + std::move(why));
}

struct Parts {
  std::string_view head, claims, signature;
  std::string_view signed_text;
};

Result<Parts> split(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos)
    return refused("it does not have three parts");
  return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
               token.substr(second + 1), token.substr(0, second)};
}

Result<json::object> decode(std::string_view part) {
  const auto text = from_base64url(part);
  if (!text) return refused("a part is not base64url");
  auto value = parse_json(*text);
  if (!value || !value->is_object()) return refused("a part is not a JSON object");
  return std::move(value->get_object());
}

// The key by exact id. The header's own jwk, jku and x5u are never looked at.
Result<const SigningKey*> pick_key(const json::object& head, const std::vector<SigningKey>& keys) {
  const json::value view(head);
  if (string_or(view, "alg", "") != "ES256") return refused("its algorithm is not ES256");
  if (head.contains("crit")) return refused("it has critical extensions");
  const auto id = string_or(view, "kid", "");
  for (const auto& key : keys)
    if (constant_time_equal(key.id(), id)) return &key;
  return refused("its key is not known here");
}

// A NumericDate in milliseconds; nothing when it is absent.
Result<std::optional<double>> date_ms(const json::object& claims, std::string_view name) {
  const auto* value = claims.if_contains(name);
  if (value == nullptr) return std::optional<double>();
  if (!value->is_number()) return refused(std::string(name) + " is no number");
  return std::optional<double>(value->to_number<double>() * 1000.0);
}

Result<void> check_times(const json::object& claims, const TokenRules& rules, TimeMs now_ms) {
  const auto now = static_cast<double>(now_ms);
  const auto leeway = static_cast<double>(rules.leeway_ms);
  TRY(const auto expires, date_ms(claims, "exp"));
  TRY(const auto not_before, date_ms(claims, "nbf"));
  TRY(const auto issued, date_ms(claims, "iat"));
  if (!expires) return refused("it never expires");
  if (now > *expires + leeway) return refused("it has expired");
  if (not_before && now < *not_before - leeway) return refused("it is not valid yet");
  if (issued && now < *issued - leeway) return refused("it was issued in the future");
  return {};
}

bool has_audience(const json::object& claims, const std::string& audience) {
  const auto* value = claims.if_contains("aud");
  if (value == nullptr) return false;
  if (const auto* text = value->if_string()) return *text == audience;
  const auto* list = value->if_array();
  if (list == nullptr) return false;
  for (const auto& item : *list)
    if (item.is_string() && item.get_string() == audience) return true;
  return false;
}

}  // namespace

std::string sign_token(const SigningKey& key, const json::object& claims) {
  const json::object head{{"alg", "ES256"}, {"kid", key.id()}, {"typ", "JWT"}};
  const std::string text =
      to_base64url(json::serialize(head)) + "." + to_base64url(json::serialize(claims));
  return text + "." + to_base64url(key.sign(text));
}

Result<json::object> verify_token(std::string_view token, const std::vector<SigningKey>& keys,
                                  const TokenRules& rules, TimeMs now_ms) {
  if (token.size() > kTokenMaxBytes) return refused("it is too long");
  TRY(const auto parts, split(token));
  TRY(const auto head, decode(parts.head));
  TRY(const auto* key, pick_key(head, keys));
  const auto signature = from_base64url(parts.signature);
  if (!signature || !key->verify(parts.signed_text, *signature))
    return refused("its signature does not fit");
  TRY(auto claims, decode(parts.claims));
  TRY_VOID(check_times(claims, rules, now_ms));
  if (!rules.issuer.empty() && string_or(json::value(claims), "iss", "") != rules.issuer)
    return refused("it is of another issuer");
  if (!rules.audience.empty() && !has_audience(claims, rules.audience))
    return refused("it is for another audience");
  return claims;
}

json::object key_set(const std::vector<SigningKey>& keys) {
  json::array list;
  for (const auto& key : keys) list.emplace_back(key.public_jwk());
  return {{"keys", std::move(list)}};
}

}  // namespace slipway::auth
