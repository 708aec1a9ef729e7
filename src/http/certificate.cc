// The local authority and the certificates it signs, as RFC 5280 wants them: Python's strict
// verification refuses a missing key identifier or a wrong key usage.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "base/crypto.h"
#include "http/tls.h"
#include "http/tls_context.h"

namespace slipway::http {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Certificate = std::unique_ptr<X509, Deleter<&X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<&EVP_PKEY_free>>;
using Memory = std::unique_ptr<BIO, Deleter<&BIO_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<&X509_EXTENSION_free>>;

constexpr TimeMs kDayMs = 24LL * 3600 * 1000;
constexpr TimeMs kAuthorityDays = 3650;
constexpr TimeMs kServerDays = 397;       // browsers take no more
constexpr TimeMs kBackdateMs = 3600'000;  // clients' clocks differ a little
constexpr int kSerialBits = 159;          // 20 bytes at most, positive (RFC 5280 4.1.2.2)

Error refused(std::string_view what) {
  return fail(ErrorCode::internal, fmt::format("{}: {}", what, openssl_reason()));
}

std::string text_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

Memory memory_with(const std::string& text) {
  return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Result<CertificateAndKey> to_pem(X509* certificate, EVP_PKEY* key) {
  const Memory certificate_pem(BIO_new(BIO_s_mem()));
  const Memory key_pem(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(certificate_pem.get(), certificate) != 1 ||
      PEM_write_bio_PrivateKey(key_pem.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return refused("a certificate cannot be written");
  return CertificateAndKey{text_of(certificate_pem.get()), text_of(key_pem.get())};
}

Result<Certificate> certificate_from(const std::string& pem) {
  const Memory memory = memory_with(pem);
  Certificate certificate(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr)
    return fail(ErrorCode::invalid_argument, "the text holds no certificate in PEM form");
  return certificate;
}

Result<Key> key_from(const std::string& pem) {
  const Memory memory = memory_with(pem);
  Key key(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
  if (key == nullptr)
    return fail(ErrorCode::invalid_argument, "the text holds no private key in PEM form");
  return key;
}

struct Validity {
  TimeMs from_ms;
  TimeMs days;
};

bool set_serial(X509* certificate) {
  const std::unique_ptr<BIGNUM, Deleter<&BN_free>> serial(BN_new());
  return BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr;
}

// Version 3, a random serial, validity and public key; names and extensions follow.
Result<Certificate> blank_certificate(EVP_PKEY* key, Validity validity) {
  Certificate out(X509_new());
  const auto from = static_cast<std::time_t>((validity.from_ms - kBackdateMs) / 1000);
  const auto until = static_cast<std::time_t>((validity.from_ms + validity.days * kDayMs) / 1000);
  if (X509_set_version(out.get(), X509_VERSION_3) != 1 || !set_serial(out.get()) ||
      ASN1_TIME_set(X509_getm_notBefore(out.get()), from) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(out.get()), until) == nullptr ||
      X509_set_pubkey(out.get(), key) != 1)
    return refused("a certificate cannot be made");
  return out;
}

Result<void> add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1)
    return refused("a certificate's extension cannot be made from " + value);
  return {};
}

Result<void> set_common_name(X509_NAME* name, const std::string& common_name) {
  constexpr std::size_t kMaxName = 64;  // X.520's upper bound
  const std::string text = common_name.substr(0, kMaxName);
  if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(text.data()),
                                 static_cast<int>(text.size()), -1, 0) != 1)
    return refused("'" + common_name + "' cannot be a certificate's name");
  return {};
}

// "DNS:localhost,IP:127.0.0.1". Only what a name or an address is made of, as the text is a small
// language of its own.
Result<std::string> alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) {
    unsigned char address[sizeof(in6_addr)];
    const bool ip = ::inet_pton(AF_INET, name.c_str(), address) == 1 ||
                    ::inet_pton(AF_INET6, name.c_str(), address) == 1;
    const bool dns = name.find_first_not_of(
                         "*-.0123456789abcdefghijklmnopqrstuvwxyz"
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
    if (name.empty() || (!ip && !dns))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("'{}' is neither a DNS name nor an IP address", name));
    out += fmt::format("{}{}:{}", out.empty() ? "" : ",", ip ? "IP" : "DNS", name);
  }
  if (out.empty())
    return fail(ErrorCode::invalid_argument, "a server certificate needs a name or an address");
  return out;
}

Result<void> sign(X509* certificate, EVP_PKEY* key) {
  if (X509_sign(certificate, key, EVP_sha256()) == 0)
    return refused("a certificate cannot be signed");
  return {};
}

}  // namespace

Result<CertificateAndKey> make_authority(const std::string& common_name, const Clock& clock) {
  const Key key(EVP_EC_gen("P-256"));
  TRY(auto certificate, blank_certificate(key.get(), {clock.now_ms(), kAuthorityDays}));
  X509* c = certificate.get();
  TRY_VOID(set_common_name(X509_get_subject_name(c), common_name));
  X509_set_issuer_name(c, X509_get_subject_name(c));
  TRY_VOID(add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  TRY_VOID(add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign"));
  TRY_VOID(add_extension(c, c, NID_subject_key_identifier, "hash"));
  TRY_VOID(add_extension(c, c, NID_authority_key_identifier, "keyid:always"));
  TRY_VOID(sign(c, key.get()));
  return to_pem(c, key.get());
}

Result<CertificateAndKey> issue_certificate(const CertificateAndKey& authority,
                                            const std::vector<std::string>& names,
                                            const Clock& clock) {
  TRY(auto issuer, certificate_from(authority.certificate_pem));
  TRY(auto issuer_key, key_from(authority.key_pem));
  TRY(auto alternatives, alternative_names(names));
  const Key key(EVP_EC_gen("P-256"));
  TRY(auto certificate, blank_certificate(key.get(), {clock.now_ms(), kServerDays}));
  X509* c = certificate.get();
  TRY_VOID(set_common_name(X509_get_subject_name(c), names.front()));
  X509_set_issuer_name(c, X509_get_subject_name(issuer.get()));
  TRY_VOID(add_extension(c, issuer.get(), NID_basic_constraints, "critical,CA:FALSE"));
  TRY_VOID(add_extension(c, issuer.get(), NID_key_usage, "critical,digitalSignature"));
  TRY_VOID(add_extension(c, issuer.get(), NID_ext_key_usage, "serverAuth"));
  TRY_VOID(add_extension(c, issuer.get(), NID_subject_alt_name, alternatives));
  TRY_VOID(add_extension(c, issuer.get(), NID_subject_key_identifier, "hash"));
  TRY_VOID(add_extension(c, issuer.get(), NID_authority_key_identifier, "keyid:always"));
  TRY_VOID(sign(c, issuer_key.get()));
  return to_pem(c, key.get());
}

Result<TimeMs> expiry(const std::string& certificate_pem) {
  TRY(auto certificate, certificate_from(certificate_pem));
  std::tm until{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &until) != 1)
    return refused("the certificate's end cannot be read");
  return static_cast<TimeMs>(::timegm(&until)) * 1000;
}

}  // namespace slipway::http
