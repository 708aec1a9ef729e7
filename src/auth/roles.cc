#include "auth/roles.h"

#include "base/crypto.h"

namespace slipway::auth {
namespace {

struct Row {
  Permission permission;
  bool owner, contributor, reader, scorer;
};

constexpr Row kTable[] = {
    {Permission::read, true, true, true, false},
    {Permission::write, true, true, false, false},
    {Permission::deploy, true, true, false, false},
    {Permission::manage, true, true, false, false},
    {Permission::keys, true, true, false, false},
    // Documented: the lowest role that may ask for a service token is Reader.
    {Permission::score, true, true, true, true},
    {Permission::administer, true, false, false, false},
};

bool column(const Row& row, Role role) {
  switch (role) {
    case Role::owner: return row.owner;
    case Role::contributor: return row.contributor;
    case Role::reader: return row.reader;
    case Role::scorer: return row.scorer;
  }
  return false;
}

}  // namespace

bool allows(Role role, Permission permission) {
  for (const auto& row : kTable)
    if (row.permission == permission) return column(row, role);
  return false;
}

std::string make_opaque_token() { return "slpw_" + to_base64url(random_bytes(32)); }

std::string digest_of_token(std::string_view token) { return sha256_hex(token); }

bool matches_digest(std::string_view token, std::string_view digest) {
  return constant_time_equal(digest_of_token(token), digest);
}

}  // namespace slipway::auth
