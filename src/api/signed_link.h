#pragma once
// Links that carry their own credential.
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "http/http.h"

namespace slipway::api {

// A link that is its own credential, for one resource and one kind of use, until it expires.
// Its parameters bear the names of a shared access signature, because the client's storage library
// takes a query for a credential only when it knows every name in it:
// "sv=…&se=<seconds>&sp=<use>&skoid=<scope>&si=<name>&sig=<HMAC>". Pure; any thread.
struct SignedLink {
  char use = 'r';     // 'r' read a blob, 'w' write and read a blob, 'l' read an operation's log
  std::string scope;  // uid of the workspace
  std::string name;   // of the artifact or the operation
};

inline constexpr TimeMs kLinkMs = 3'600'000;

// The query, ready to stand after '?'. `path` is part of what is signed.
std::string sign_link(std::string_view key, std::string_view path, const SignedLink& link,
                      TimeMs now_ms);
// forbidden with the reason: a signature that does not fit, or a link past its time. Other
// parameters (comp, blockid, timeout) are not signed and are ignored here.
Result<SignedLink> check_link(std::string_view key, std::string_view path, const http::Query& query,
                              TimeMs now_ms);

}  // namespace slipway::api
