#include "api/bootstrap.h"

#include "base/crypto.h"

namespace slipway::api {
namespace {

const store::Key kSecrets{"server", "", "api"};

// The secret of that name; `make` gives its first value. Kept in `tx`.
template <class Make>
Result<std::string> secret(store::Transaction& tx, std::string_view name, Make make) {
  TRY(auto known, tx.get_secret(kSecrets, name));
  if (known) return std::move(*known);
  const std::string fresh = make();
  TRY_VOID(tx.put_secret(kSecrets, name, fresh));
  return fresh;
}

Result<void> make_default_workspace(store::Transaction& tx, const Clock& clock) {
  TRY(const auto some, tx.list("workspace", {.limit = 1}));
  TRY(const auto made_before, tx.next("workspace/default"));
  if (!some.empty() || made_before > 1) return {};
  const resources::Workspace workspace{.uid = random_uuid(),
                                       .subscription = std::string(kDefaultSubscription),
                                       .resource_group = std::string(kDefaultGroup),
                                       .name = std::string(kDefaultWorkspace),
                                       .friendly_name = std::string(kDefaultWorkspace),
                                       .created_by = {"owner", "owner"},
                                       .created_ms = clock.now_ms()};
  TRY_VOID(tx.create(workspace_key(kDefaultSubscription, kDefaultGroup, kDefaultWorkspace),
                     to_json(workspace)));
  return {};
}

struct Secrets {
  std::string signing_key, owner_digest, msi, link;
  std::string new_owner_token;
};

Result<Secrets> read_secrets(store::Transaction& tx) {
  Secrets out;
  const auto random = [] { return random_bytes(32); };
  TRY(out.signing_key,
      secret(tx, "signing_key", [] { return auth::SigningKey::generate().to_pem(); }));
  TRY(out.msi, secret(tx, "msi", [] { return random_hex(24); }));
  TRY(out.link, secret(tx, "link", random));
  TRY(out.owner_digest, secret(tx, "owner_digest", [&] {
        out.new_owner_token = auth::make_opaque_token();
        return auth::digest_of_token(out.new_owner_token);
      }));
  return out;
}

}  // namespace

Result<Booted> boot(const Options& options) {
  Secrets secrets;
  TRY_VOID(options.store->write([&](store::Transaction& tx) -> Result<void> {
    TRY(secrets, read_secrets(tx));
    return make_default_workspace(tx, *options.clock);
  }));
  TRY(auto signing_key, auth::SigningKey::from_pem(secrets.signing_key));
  return Booted{.state = {.options = options,
                          .signing_key = std::move(signing_key),
                          .owner_digest = secrets.owner_digest,
                          .msi_secret = secrets.msi,
                          .link_key = secrets.link,
                          .started_ms = options.clock->now_ms()},
                .bootstrap = {.owner_token = secrets.new_owner_token,
                              .msi_path = "/msi/" + secrets.msi + "/token"}};
}

}  // namespace slipway::api
