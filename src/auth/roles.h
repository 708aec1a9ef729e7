#pragma once
// Roles and permissions: one table, which is also the documentation.
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace slipway::auth {

// What an operation asks of its caller.
enum class Permission {
  read,        // see workspaces, models, environments, targets, services and their state
  write,       // register and change models and environments
  deploy,      // create, update and delete services
  manage,      // create, attach, change and remove compute targets
  keys,        // read and regenerate service keys
  score,       // call a service, or get a token for it
  administer,  // workspaces themselves, and who may do what
};
BOOST_DESCRIBE_ENUM(Permission, read, write, deploy, manage, keys, score, administer)

enum class Role { owner, contributor, reader, scorer };
BOOST_DESCRIBE_ENUM(Role, owner, contributor, reader, scorer)

bool allows(Role role, Permission permission);

// Who calls. Made by whoever verified the token; lives as long as the request.
struct Principal {
  std::string object_id;
  std::string name;
  std::string tenant;
  Role role = Role::reader;
};

// A bearer token of the local owner: "slpw_" and 43 characters of base64url, 256 random bits.
std::string make_opaque_token();
// What is kept of it: SHA-256, hexadecimal.
std::string digest_of_token(std::string_view token);
// In constant time.
bool matches_digest(std::string_view token, std::string_view digest);

}  // namespace slipway::auth
