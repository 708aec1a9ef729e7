// P-256 keys over OpenSSL's EVP interface.
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "auth/jwt.h"
#include "base/crypto.h"

namespace slipway::auth {
namespace {

constexpr std::size_t kCoordinateBytes = 32;

template <class T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* object) const { Free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY, EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX, EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG, ECDSA_SIG_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO, BIO_free_all>>;
using ParamBuild = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM, OSSL_PARAM_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BIGNUM, BN_free>>;

const unsigned char* bytes_of(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}
unsigned char* bytes_of(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

std::string coordinate(EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  CHECK(EVP_PKEY_get_bn_param(key, name, &raw) == 1, "a P-256 key has coordinates");
  const Number number(raw);
  std::string out(kCoordinateBytes, '\0');
  BN_bn2binpad(number.get(), bytes_of(out), static_cast<int>(out.size()));
  return out;
}

bool is_p256(EVP_PKEY* key) {
  char group[64] = {};
  std::size_t length = 0;
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
         EVP_PKEY_get_group_name(key, group, sizeof group, &length) == 1 &&
         std::string_view(group, length) == "prime256v1";
}

Key public_key_from_point(std::string point) {
  const ParamBuild build(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  const Params params(OSSL_PARAM_BLD_to_param(build.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return nullptr;
  return Key(key);
}

}  // namespace

struct SigningKey::Impl {
  Key key;
};

// RFC 7638: the SHA-256 of the required members in lexical order, without spaces.
SigningKey::SigningKey(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {
  const auto x = to_base64url(coordinate(impl_->key.get(), OSSL_PKEY_PARAM_EC_PUB_X));
  const auto y = to_base64url(coordinate(impl_->key.get(), OSSL_PKEY_PARAM_EC_PUB_Y));
  id_ = to_base64url(sha256(R"({"crv":"P-256","kty":"EC","x":")" + x + R"(","y":")" + y + R"("})"));
}

SigningKey SigningKey::generate() {
  Key key(EVP_EC_gen("P-256"));
  CHECK(key, "OpenSSL made no P-256 key");
  return SigningKey(std::make_shared<Impl>(Impl{std::move(key)}));
}

Result<SigningKey> SigningKey::from_pem(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!key || !is_p256(key.get()))
    return fail(ErrorCode::invalid_argument, "the signing key is no P-256 private key in PEM");
  return SigningKey(std::make_shared<Impl>(Impl{std::move(key)}));
}

Result<SigningKey> SigningKey::from_jwk(const json::value& jwk) {
  const auto refused = [] {
    return fail(ErrorCode::invalid_argument,
                "the JWK is no P-256 public key (kty EC, crv P-256, x, y)");
  };
  if (string_or(jwk, "kty", "") != "EC" || string_or(jwk, "crv", "") != "P-256") return refused();
  TRY(const auto x, from_base64url(string_or(jwk, "x", "")));
  TRY(const auto y, from_base64url(string_or(jwk, "y", "")));
  if (x.size() != kCoordinateBytes || y.size() != kCoordinateBytes) return refused();
  Key key = public_key_from_point(std::string(1, '\x04') + x + y);
  if (!key) return refused();
  return SigningKey(std::make_shared<Impl>(Impl{std::move(key)}));
}

std::string SigningKey::to_pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), impl_->key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

json::object SigningKey::public_jwk() const {
  return {{"kty", "EC"},
          {"crv", "P-256"},
          {"x", to_base64url(coordinate(impl_->key.get(), OSSL_PKEY_PARAM_EC_PUB_X))},
          {"y", to_base64url(coordinate(impl_->key.get(), OSSL_PKEY_PARAM_EC_PUB_Y))},
          {"kid", id_},
          {"alg", "ES256"},
          {"use", "sig"}};
}

std::string SigningKey::sign(std::string_view message) const {
  const DigestContext context(EVP_MD_CTX_new());
  std::string der(80, '\0');  // a P-256 signature in DER has at most 72 bytes
  std::size_t size = der.size();
  CHECK(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, impl_->key.get()) == 1 &&
            EVP_DigestSign(context.get(), bytes_of(der), &size, bytes_of(message),
                           message.size()) == 1,
        "OpenSSL refused to sign");
  const unsigned char* at = bytes_of(std::string_view(der));
  const Signature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  std::string raw(2 * kCoordinateBytes, '\0');
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), bytes_of(raw), kCoordinateBytes);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), bytes_of(raw) + kCoordinateBytes,
               kCoordinateBytes);
  return raw;
}

bool SigningKey::verify(std::string_view message, std::string_view signature) const {
  if (signature.size() != 2 * kCoordinateBytes) return false;
  const Signature parts(ECDSA_SIG_new());
  ECDSA_SIG_set0(parts.get(), BN_bin2bn(bytes_of(signature), kCoordinateBytes, nullptr),
                 BN_bin2bn(bytes_of(signature) + kCoordinateBytes, kCoordinateBytes, nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(parts.get(), &der);
  if (size <= 0) return false;
  const DigestContext context(EVP_MD_CTX_new());
  const bool good =
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, impl_->key.get()) == 1 &&
      EVP_DigestVerify(context.get(), der, static_cast<std::size_t>(size), bytes_of(message),
                       message.size()) == 1;
  OPENSSL_free(der);
  return good;
}

}  // namespace slipway::auth
